#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace veredus::spool {

// Runs two functions at the same time and returns when both have ended; neither throws. Tests run
// them one after the other instead, in either order.
using SideBySide =
    std::function<void(const std::function<void()>& one, const std::function<void()>& other)>;

// One more thread, for the first of the two; the second runs where run() was called. Used by one
// caller at a time.
class SecondThread {
  public:
    SecondThread();
    SecondThread(const SecondThread&) = delete;
    SecondThread& operator=(const SecondThread&) = delete;
    ~SecondThread();

    void run(const std::function<void()>& one, const std::function<void()>& other);

  private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<void()>* task_ = nullptr;  // guarded by mutex_; null when done
    bool ending_ = false;                          // guarded by mutex_
    std::thread thread_;                           // last: starts when the rest is there
};

}  // namespace veredus::spool
