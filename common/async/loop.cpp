#include "common/async/loop.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace veredus::async {
namespace {

void report_open_handle(uv_handle_t* handle, void*) {
    std::fprintf(stderr, "a %s handle outlives its loop\n", uv_handle_type_name(handle->type));
}

}  // namespace

Loop::Loop(Clock& clock) : clock_(clock) {
    uv_loop_init(&uv_);
    uv_timer_init(&uv_, &alarm_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&alarm_));
    alarm_.data = this;
    // libuv runs timers and other callbacks before it polls, within one uv_run: what they leave is
    // settled here.
    uv_prepare_init(&uv_, &before_polling_);
    before_polling_.data = this;
    uv_prepare_start(&before_polling_,
                     [](uv_prepare_t* self) { static_cast<Loop*>(self->data)->settle(); });
    uv_unref(reinterpret_cast<uv_handle_t*>(&before_polling_));
    uv_check_init(&uv_, &after_polling_);
    after_polling_.data = this;
    uv_idle_init(&uv_, &unidle_);
}

Loop::~Loop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&alarm_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&before_polling_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&after_polling_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&unidle_), nullptr);
    while (uv_run(&uv_, UV_RUN_NOWAIT) != 0 && uv_backend_timeout(&uv_) == 0) {
    }
    if (uv_loop_close(&uv_) != 0) {
        uv_walk(&uv_, report_open_handle, nullptr);
        std::abort();
    }
}

void Loop::drain() {
    while (!ready_.empty()) {
        const auto next = ready_.front();
        ready_.pop_front();
        next.resume();
    }
}

// All that is ready, all that was put off until now, and the alarm: nothing may be left when libuv
// waits.
void Loop::settle() {
    drain();
    while (!deferred_.empty()) {
        for (const auto& then : std::exchange(deferred_, {}))
            then();
        drain();
    }
    arm();
    if (finished_ && finished_()) uv_stop(&uv_);
}

void Loop::wake_after_others(std::coroutine_handle<> giving_way) {
    giving_way_.push_back(giving_way);
    if (giving_way_.size() > 1) return;
    uv_check_start(&after_polling_,
                   [](uv_check_t* self) { static_cast<Loop*>(self->data)->go_on(); });
    uv_idle_start(&unidle_, [](uv_idle_t*) {});
}

void Loop::go_on() {
    uv_check_stop(&after_polling_);
    uv_idle_stop(&unidle_);
    for (const auto waiting : std::exchange(giving_way_, {}))
        wake(waiting);
    drain();
}

bool Loop::step(uv_run_mode mode) {
    settle();
    return uv_run(&uv_, mode) != 0;
}

void Loop::poll() {
    // libuv does not say whether it did anything: three quiet rounds let closing and polling
    // handles come through.
    for (int quiet = 0; quiet < 3;) {
        const bool busy = !ready_.empty() || !giving_way_.empty() || calls_ > 0;
        step(calls_ > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
        if (clock_.moves()) fire_timers();
        quiet = busy || !ready_.empty() || calls_ > 0 ? 0 : quiet + 1;
    }
}

std::optional<Time> Loop::next_timer() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first;
}

void Loop::fire_timers() {
    const Time now = clock_.now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        // The function erases its own entry first (Timer::start_at), so its owner may restart or be
        // destroyed in it.
        const auto then = std::move(timers_.begin()->second);
        then();
    }
    drain();
}

void Loop::arm() {
    if (!clock_.moves()) return;
    const auto next = next_timer();
    if (next == armed_for_) return;
    armed_for_ = next;
    if (!next) {
        uv_timer_stop(&alarm_);
        uv_unref(reinterpret_cast<uv_handle_t*>(&alarm_));
        return;
    }
    using std::chrono::ceil;
    using std::chrono::milliseconds;
    const auto pause = ceil<milliseconds>(std::max(*next - clock_.now(), Duration::zero()));
    uv_update_time(&uv_);  // libuv counts from its cached time, which may be old
    uv_timer_start(
        &alarm_,
        [](uv_timer_t* alarm) {
            auto* loop = static_cast<Loop*>(alarm->data);
            loop->armed_for_.reset();
            loop->fire_timers();
        },
        static_cast<std::uint64_t>(pause.count()), 0);
    uv_ref(reinterpret_cast<uv_handle_t*>(&alarm_));
}

char* Loop::scratch() {
    if (!scratch_) scratch_ = std::make_unique<char[]>(kScratchSize);
    return scratch_.get();
}

void Timer::start_at(Time due, std::function<void()> then) {
    cancel();
    entry_ = loop_.timers_.emplace(due, [this, then = std::move(then)] {
        const auto entry = *entry_;
        entry_.reset();
        loop_.timers_.erase(entry);
        then();
    });
}

void Timer::cancel() {
    if (!entry_) return;
    loop_.timers_.erase(*entry_);
    entry_.reset();
}

}  // namespace veredus::async
