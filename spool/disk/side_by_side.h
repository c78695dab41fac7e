#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace veredus::spool {

// What can be done at the same time; none throws.
using Tasks = std::vector<std::function<void()>>;
// Runs all of them and returns when all have ended. Tests run them one after the other instead, in
// either order.
using SideBySide = std::function<void(const Tasks&)>;
void one_by_one(const Tasks& tasks);

// Threads that help one caller at a time, who takes tasks as well. For few of them it is always
// the same threads: those are awake sooner.
class Helpers {
  public:
    explicit Helpers(std::size_t threads);
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;
    ~Helpers();

    void run(const Tasks& tasks);

  private:
    struct Helper {
        std::condition_variable called;
        bool wanted = false;  // guarded by mutex_
        std::thread thread;
    };
    void help(Helper& helper);
    void take(std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;
    std::condition_variable ended_;
    std::span<const std::function<void()>> waiting_;  // guarded by mutex_
    std::size_t running_ = 0;                         // guarded by mutex_
    bool ending_ = false;                             // guarded by mutex_
    std::deque<Helper> helpers_;                      // last: they start when the rest is there
};

}  // namespace veredus::spool
