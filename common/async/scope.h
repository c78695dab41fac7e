#pragma once

#include <exception>
#include <tuple>
#include <utility>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/async/wait.h"

namespace veredus::async {

// Children that run side by side and never outlive their scope. The first child to fail stops the
// others; its error is thrown by with_scope at the end. Stopped is not an error.
class Scope {
  public:
    Scope(Loop& loop, Stop& parent) : loop_(loop), stop_(parent), ended_(loop) {}
    ~Scope() { assert(children_ == 0 && "a child outlives its scope"); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    Loop& loop() const { return loop_; }
    Stop& stop() { return stop_; }
    std::size_t children() const { return children_; }

    // Starts f(args...) when the loop comes to it. Function and arguments are moved into the
    // child's frame; lend with std::ref what outlives the scope.
    template <class F, class... Args>
    void spawn(F f, Args... args) {
        ++children_;
        Child child = run(*this, std::move(f), std::move(args)...);
        loop_.wake(child.handle);
    }

    // Until every child has ended. Not stoppable: to hurry, request stop().
    Task<> join() {
        Stop never;
        while (children_ != 0)
            co_await ended_.wait(never);
    }
    std::exception_ptr first_error() const { return first_error_; }

  private:
    struct Child {
        struct promise_type {
            Loop* loop;
            template <class... A>
            explicit promise_type(Scope& scope, A&...) : loop(&scope.loop_) {}
            Child get_return_object() {
                return {std::coroutine_handle<promise_type>::from_promise(*this)};
            }
            std::suspend_always initial_suspend() noexcept { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() {}
            void unhandled_exception() { std::terminate(); }
        };
        std::coroutine_handle<promise_type> handle;
    };

    template <class A>
    static A&& hand_over(A& argument) {
        return std::move(argument);
    }
    template <class A>
    static A& hand_over(std::reference_wrapper<A>& lent) {
        return lent.get();
    }

    template <class F, class... Args>
    static Child run(Scope& scope, F f, Args... args) {
        std::exception_ptr error;
        try {
            co_await f(hand_over(args)...);
        } catch (const Stopped&) {
        } catch (...) {
            error = std::current_exception();
        }
        scope.ended(error);
    }

    void ended(const std::exception_ptr& error) {
        if (error && !first_error_) {
            first_error_ = error;
            stop_.request();
        }
        if (--children_ == 0) ended_.wake_all();
    }

    Loop& loop_;
    Stop stop_;
    WaitList ended_;
    std::size_t children_ = 0;
    std::exception_ptr first_error_;
};

// Runs body(scope), then waits for all its children. `body` is a named function object.
template <class Body>
Task<> with_scope(Loop& loop, Stop& parent, Body& body) {
    Scope scope(loop, parent);
    std::exception_ptr error;
    bool stopped = false;
    try {
        co_await body(scope);
    } catch (const Stopped&) {
        error = std::current_exception();
        stopped = true;
    } catch (...) {
        error = std::current_exception();
    }
    if (error) scope.stop().request();
    co_await scope.join();
    // A body that was stopped by its child's failure ends with that failure.
    if (scope.first_error() && (!error || stopped)) error = scope.first_error();
    if (error) std::rethrow_exception(error);
}

// Runs body(scope) as with_scope does. What support(scope) has spawned in a scope of its own goes
// on until the body has ended, also after `parent` was requested: who finishes his work still needs
// it. Its failure stops the body.
template <class Support, class Body>
Task<> with_supported_scope(Loop& loop, Stop& parent, Support& support, Body& body) {
    Stop unstopped;
    const auto both = [&](Scope& supporting) -> Task<> {
        support(supporting);
        Stop until(parent);
        const Stop::Hook failed(supporting.stop(), [&] { until.request(); });
        std::exception_ptr error;
        try {
            co_await with_scope(loop, until, body);
        } catch (...) {
            error = std::current_exception();
        }
        supporting.stop().request();
        if (error) std::rethrow_exception(error);
    };
    co_await with_scope(loop, unstopped, both);
}

}  // namespace veredus::async
