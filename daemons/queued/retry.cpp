#include "daemons/queued/retry.h"

#include <algorithm>
#include <chrono>

namespace veredus::queued {

std::int64_t next_attempt_us(const config::Config::Queue& settings, std::uint32_t attempts,
                             std::int64_t now_us, std::uint16_t random) {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    const auto first = duration_cast<microseconds>(settings.retry_first).count();
    const auto longest = duration_cast<microseconds>(settings.retry_max).count();
    const std::uint32_t doublings = std::min<std::uint32_t>(attempts > 0 ? attempts - 1 : 0, 20);
    const std::int64_t pause = std::min(first << doublings, std::max(longest, first));
    const std::int64_t tenth = pause / 10;
    return now_us + pause - tenth + 2 * tenth * random / 0xFFFF;
}

}  // namespace veredus::queued
