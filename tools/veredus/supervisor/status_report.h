#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/veredus/supervisor/children.h"

namespace veredus::supervisor {

// Of the supervisor itself.
struct Standing {
    bool stopping = false;
    unsigned reloads = 0;                    // of a configuration without errors
    std::vector<std::string> at_next_start;  // settings that have changed and hold only then
};

// What people are told of such a setting.
std::string at_next_start_text(std::string_view setting);

// What run/status answers with, and `veredus status --json` prints: an object with `ready`,
// `daemons`, the supervisor first, `reloads` and `at_next_start`.
std::string status_report(const std::vector<Child>& children, const Listenings& listenings,
                          const Standing& standing, Time now);

}  // namespace veredus::supervisor
