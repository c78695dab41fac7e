#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace veredus::systemd {

// What systemd says of Veredus' services, in the supervisor's words (status_report.h); nothing when
// none of them runs.
std::optional<nlohmann::json> services_report();

// The same of what systemctl show printed, of services and of sockets. `now_us`: CLOCK_MONOTONIC.
std::optional<nlohmann::json> services_report(std::string_view services, std::string_view sockets,
                                              std::uint64_t now_us);

}  // namespace veredus::systemd
