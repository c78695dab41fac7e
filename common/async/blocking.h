#pragma once

#include <uv.h>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "common/async/loop.h"

namespace veredus::async {

// co_await blocking(loop, f): calls f() in libuv's thread pool and gives its result (or throws what
// it threw). The call cannot be stopped, only waited for: the pool owns the frame's memory until it
// is done.
template <class F>
class [[nodiscard]] blocking {
    using Result = std::invoke_result_t<F&>;
    static constexpr bool kVoid = std::is_void_v<Result>;

  public:
    blocking(Loop& loop, F f) : loop_(loop), f_(std::move(f)) {}
    blocking(const blocking&) = delete;
    blocking& operator=(const blocking&) = delete;

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        work_.data = this;
        loop_.call_begins();
        uv_queue_work(
            loop_.uv(), &work_, [](uv_work_t* work) { static_cast<blocking*>(work->data)->call(); },
            [](uv_work_t* work, int) {
                auto& self = *static_cast<blocking*>(work->data);
                Loop& loop = self.loop_;
                loop.call_ended();
                loop.wake(self.waiting_);
                loop.drain();
            });
    }
    Result await_resume() {
        if (error_) std::rethrow_exception(error_);
        if constexpr (!kVoid) return std::move(*result_);
    }

  private:
    void call() {
        try {
            if constexpr (kVoid) {
                f_();
            } else {
                result_.emplace(f_());
            }
        } catch (...) {
            error_ = std::current_exception();
        }
    }

    Loop& loop_;
    F f_;
    uv_work_t work_{};
    std::coroutine_handle<> waiting_;
    std::optional<std::conditional_t<kVoid, char, Result>> result_;
    std::exception_ptr error_;
};

}  // namespace veredus::async
