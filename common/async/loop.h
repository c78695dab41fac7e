#pragma once

#include <uv.h>

#include <coroutine>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/async/clock.h"

namespace veredus::async {

template <class T>
class Task;

// One thread's libuv loop with the coroutines that wait on it.
//
// Whatever ends an operation calls wake(); the coroutine goes on when the running libuv callback
// calls drain() as its last act. Nothing else resumes, so no coroutine runs inside another's
// statement and the stack is as deep as the calls are, however many awaits end at once.
class Loop {
  public:
    explicit Loop(Clock& clock);
    // Everything must have ended: a handle still open is a defect and is asserted on.
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    uv_loop_t* uv() { return &uv_; }
    Clock& clock() const { return clock_; }
    Time now() const { return clock_.now(); }

    void wake(std::coroutine_handle<> waiting) { ready_.push_back(waiting); }
    void drain();

    // Runs `main` to its end and returns what it returned (or throws what it threw).
    template <class T>
    T run(Task<T> main);

    // For tests: goes on until nothing is ready and no event is pending. Waits for calls in the
    // thread pool, which a clock that stands still does not slow down, and for nothing else.
    void poll();
    // blocking() counts its calls here.
    void call_begins() { ++calls_; }
    void call_ended() { --calls_; }

    // Calls `then` once, when all that is ready has run and before the loop waits again: what
    // coroutines have gathered in the meantime goes out together.
    void before_waiting(std::function<void()> then) { deferred_.push_back(std::move(then)); }

    // Resumes it once the loop has looked at what else has happened.
    void wake_after_others(std::coroutine_handle<> giving_way);

    std::optional<Time> next_timer() const;
    void fire_timers();

    // A buffer that any callback of this loop may read into, until it returns.
    static constexpr std::size_t kScratchSize = 64 * 1024;
    char* scratch();

  private:
    friend class Timer;
    using Timers = std::multimap<Time, std::function<void()>>;

    void settle();
    void go_on();
    void arm();
    bool step(uv_run_mode mode);

    Clock& clock_;
    uv_loop_t uv_{};
    uv_prepare_t before_polling_{};
    uv_check_t after_polling_{};
    uv_idle_t unidle_{};  // active: polling does not wait
    // Rings at the first of timers_; never armed under a clock that stands still.
    uv_timer_t alarm_{};
    Timers timers_;
    std::optional<Time> armed_for_;
    std::deque<std::coroutine_handle<>> ready_;
    std::vector<std::coroutine_handle<>> giving_way_;
    std::size_t calls_ = 0;  // in the thread pool
    std::vector<std::function<void()>> deferred_;
    std::function<bool()> finished_;  // whether run()'s main has ended
    std::unique_ptr<char[]> scratch_;
};

// co_await give_way(loop): for who could go on for long without waiting for anything, so that
// others have their turn.
class [[nodiscard]] give_way {
  public:
    explicit give_way(Loop& loop) : loop_(loop) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> caller) { loop_.wake_after_others(caller); }
    void await_resume() const {}

  private:
    Loop& loop_;
};

// Calls back once, in the loop's thread, at or after a time. Destroying or restarting it forgets
// the earlier call.
class Timer {
  public:
    explicit Timer(Loop& loop) : loop_(loop) {}
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void start(Duration pause, std::function<void()> then) {
        start_at(loop_.now() + pause, std::move(then));
    }
    void start_at(Time due, std::function<void()> then);
    void cancel();
    bool active() const { return entry_.has_value(); }
    Time due() const { return (*entry_)->first; }  // while active

  private:
    Loop& loop_;
    std::optional<Loop::Timers::iterator> entry_;
};

// Frees a libuv handle in its close callback, as libuv asks.
template <class Handle>
struct CloseHandle {
    void operator()(Handle* handle) const {
        uv_close(reinterpret_cast<uv_handle_t*>(handle),
                 [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
    }
};
template <class Handle>
using UvHandle = std::unique_ptr<Handle, CloseHandle<Handle>>;

}  // namespace veredus::async

#include "common/async/task.h"  // IWYU pragma: export
