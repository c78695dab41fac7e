#pragma once

#include <cassert>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "common/async/loop.h"

namespace veredus::async {

namespace detail {

// What every coroutine's promise knows: its loop (from the one who awaits it) and who waits for it.
struct PromiseBase {
    Loop* loop = nullptr;
    std::coroutine_handle<> caller;
    bool starting = false;  // the caller is still in await_suspend and goes on by itself
    bool started = false;

    struct Final {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            auto& promise = self.promise();
            if (!promise.starting && promise.caller) promise.loop->wake(promise.caller);
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
};

template <class T>
struct Promise : PromiseBase {
    std::variant<std::monostate, T, std::exception_ptr> outcome;

    Task<T> get_return_object();
    template <class V>
    void return_value(V&& value) {
        outcome.template emplace<1>(std::forward<V>(value));
    }
    void unhandled_exception() { outcome.template emplace<2>(std::current_exception()); }
    T take() {
        if (outcome.index() == 2) std::rethrow_exception(std::get<2>(outcome));
        return std::move(std::get<1>(outcome));
    }
};

template <>
struct Promise<void> : PromiseBase {
    std::exception_ptr error;

    Task<void> get_return_object();
    void return_void() {}
    void unhandled_exception() { error = std::current_exception(); }
    void take() {
        if (error) std::rethrow_exception(error);
    }
};

}  // namespace detail

// A coroutine that runs while somebody awaits it: lazy, awaited once. A frame is destroyed before
// it started or after it ended, never in between, because libuv may still hold what a suspended
// frame owns.
//
// Parameters: by value, or a reference to something that outlives the await.
template <class T = void>
class [[nodiscard]] Task {
  public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (!handle_) return;
        assert((!handle_.promise().started || handle_.done()) &&
               "a task is destroyed while it waits");
        handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    template <class CallerPromise>
    bool await_suspend(std::coroutine_handle<CallerPromise> caller) {
        start(*caller.promise().loop, caller);
        return !handle_.done();
    }
    T await_resume() { return handle_.promise().take(); }

    // For Loop::run and Scope: starts without awaiting; `caller`, if any, is woken at the end.
    void start(Loop& loop, std::coroutine_handle<> caller) {
        auto& promise = handle_.promise();
        assert(!promise.started && "a task is awaited twice");
        promise.loop = &loop;
        promise.caller = caller;
        promise.started = true;
        promise.starting = true;
        handle_.resume();
        promise.starting = false;
    }
    bool done() const { return handle_.done(); }
    T result() { return handle_.promise().take(); }

  private:
    Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

template <class T>
T Loop::run(Task<T> main) {
    main.start(*this, {});
    finished_ = [&main] { return main.done(); };
    while (!main.done()) {
        if (!step(UV_RUN_ONCE) && ready_.empty() && !main.done() && timers_.empty()) {
            std::fputs("a task waits for what nobody will bring\n", stderr);
            std::abort();
        }
    }
    finished_ = nullptr;
    return main.result();
}

}  // namespace veredus::async
