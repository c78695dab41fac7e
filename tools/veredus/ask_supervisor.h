#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "common/config/instance.h"

namespace veredus {

// What `veredus run` says of itself and its daemons (supervisor/status_report.h); nothing where
// none runs.
std::optional<nlohmann::json> ask_supervisor(const config::InstancePaths& paths);
// Whether the daemons of these are services of systemd.
bool systemd_runs(const config::InstancePaths& paths);

}  // namespace veredus
