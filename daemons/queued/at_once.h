#pragma once

#include <chrono>
#include <cstddef>

namespace veredus::queued {

// So few are written in less time than it takes to wake one more thread for the sync.
inline constexpr std::size_t kAtOnce = 16;
// Where so few took less than this the last time, the loop waits for the disk itself: to wake
// another thread and to be woken by it costs as much as the sync.
inline constexpr auto kQuick = std::chrono::milliseconds(2);

}  // namespace veredus::queued
