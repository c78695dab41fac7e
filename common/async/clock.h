#pragma once

#include <chrono>
#include <cstdint>

namespace veredus::async {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::steady_clock::time_point;

class Loop;

// What time it is. A loop takes its timers and a daemon its dates from here, so a test can turn the
// clock.
class Clock {
  public:
    virtual ~Clock() = default;
    // Monotonic: for deadlines and pauses.
    virtual Time now() const = 0;
    // Microseconds since 1970, UTC: for dates, schedules on disk and queue ids.
    virtual std::int64_t wall_us() const = 0;
    // False where only advance() moves time: the loop then arms no timer of its own.
    virtual bool moves() const = 0;
};

class RealClock final : public Clock {
  public:
    Time now() const override;
    std::int64_t wall_us() const override;
    bool moves() const override { return true; }
};

// Stands still until it is told to move.
class FakeClock final : public Clock {
  public:
    explicit FakeClock(std::int64_t wall_us = 1'700'000'000'000'000);

    Time now() const override { return Time(since_start_); }
    std::int64_t wall_us() const override;
    bool moves() const override { return false; }

    // Moves from timer to timer of `loop`, polling the loop after each, so that what a timer starts
    // may set another within the same span.
    void advance(Loop& loop, Duration span);

  private:
    Duration since_start_ = std::chrono::hours(1);
    std::int64_t wall_start_us_;  // made of the one before
};

}  // namespace veredus::async
