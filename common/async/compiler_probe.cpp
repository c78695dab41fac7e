// Shapes of co_await that miscompiling compilers get wrong: each object counts its own
// constructions, and the program answers 0 only when every one was destroyed exactly once and every
// branch went where it should.
#include <coroutine>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

namespace {

int alive = 0;

struct Counted {
    std::string text =
        "a string long enough to live on the heap, so that a double destruction shows";
    Counted() { ++alive; }
    Counted(const Counted& other) : text(other.text) { ++alive; }
    Counted(Counted&& other) noexcept : text(std::move(other.text)) { ++alive; }
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) = default;
    ~Counted() { --alive; }
};

struct Options {
    Counted first;
    int second = 0;
};

struct Answer {
    struct promise_type {
        int value = 0;
        Answer get_return_object() {
            return Answer(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_value(int v) { value = v; }
        void unhandled_exception() { std::abort(); }
    };
    explicit Answer(std::coroutine_handle<promise_type> h) : handle(h) {}
    Answer(Answer&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    ~Answer() {
        if (handle) handle.destroy();
    }
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<>) const {
        handle.resume();
        return false;
    }
    int await_resume() const { return handle.promise().value; }
    std::coroutine_handle<promise_type> handle;
};

Answer takes_options(Options options) {
    co_return static_cast<int>(options.first.text.size());
}

template <class F>
Answer calls(F f) {
    co_return f();
}

Answer truth(bool b) {
    co_return b ? 1 : 0;
}

Answer condition_without_locals(int wanted) {
    if (co_await truth(wanted > 0)) co_return 7;
    co_return 8;
}

Answer temporaries() {
    int sum = co_await takes_options(Options{.second = 3});
    Counted captured;
    sum += co_await calls([captured] { return static_cast<int>(captured.text.size()); });
    sum += co_await calls(std::function<int()>([captured] { return 1; }));
    co_return sum;
}

}  // namespace

int main() {
    const int length = static_cast<int>(Counted().text.size());
    {
        Answer a = temporaries();
        a.handle.resume();
        if (a.handle.promise().value != 2 * length + 1) return 1;
        Answer b = condition_without_locals(1);
        b.handle.resume();
        Answer c = condition_without_locals(0);
        c.handle.resume();
        if (b.handle.promise().value != 7 || c.handle.promise().value != 8) return 2;
    }
    return alive == 0 ? 0 : 3;
}
