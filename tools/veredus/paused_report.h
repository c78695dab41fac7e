#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/ipc/admin.h"

namespace veredus {

// What is paused: an array of objects with `of`, `name` and, but for the setting queue.paused,
// `since` (s since 1970).
nlohmann::ordered_json paused_report(const ipc::admin::Depth& depth);

}  // namespace veredus
