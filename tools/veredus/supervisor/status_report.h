#pragma once

#include <string>

#include "tools/veredus/supervisor/children.h"

namespace veredus::supervisor {

// What run/status answers with, and `veredus status --json` prints: an object with `ready` and
// `daemons`, the supervisor first.
std::string status_report(const std::vector<Child>& children, const Listenings& listenings,
                          bool stopping, Time now);

}  // namespace veredus::supervisor
