#pragma once

#include <cstdint>

#include "common/config/config.h"

namespace veredus::queued {

// When to try again after `attempts` attempts (1 or more), microseconds since 1970: pauses double
// from retry_first to retry_max, each longer or shorter by up to a tenth so that what failed
// together does not come back together. `random`: any 16 bits.
std::int64_t next_attempt_us(const config::Config::Queue& settings, std::uint32_t attempts,
                             std::int64_t now_us, std::uint16_t random);

}  // namespace veredus::queued
