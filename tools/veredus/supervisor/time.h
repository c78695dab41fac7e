#pragma once

#include <chrono>

namespace veredus::supervisor {

using Time = std::chrono::steady_clock::time_point;

}  // namespace veredus::supervisor
