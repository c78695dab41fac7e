#include "common/async/clock.h"

#include "common/async/loop.h"

namespace veredus::async {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Time RealClock::now() const {
    return std::chrono::steady_clock::now();
}

std::int64_t RealClock::wall_us() const {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return duration_cast<microseconds>(since).count();
}

FakeClock::FakeClock(std::int64_t wall_us)
    : wall_start_us_(wall_us - duration_cast<microseconds>(since_start_).count()) {}

std::int64_t FakeClock::wall_us() const {
    return wall_start_us_ + duration_cast<microseconds>(since_start_).count();
}

void FakeClock::advance(Loop& loop, Duration span) {
    const Time end = now() + span;
    loop.poll();
    for (auto next = loop.next_timer(); next && *next <= end; next = loop.next_timer()) {
        since_start_ = std::max(since_start_, next->time_since_epoch());
        loop.fire_timers();
        loop.poll();
    }
    since_start_ = end.time_since_epoch();
}

}  // namespace veredus::async
