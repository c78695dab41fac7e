#include "tools/veredus/paused_report.h"

#include <nlohmann/json.hpp>

namespace veredus {

nlohmann::ordered_json paused_report(const ipc::admin::Depth& depth) {
    auto report = nlohmann::ordered_json::array();
    if (depth.all_paused) report.push_back({{"of", "everything"}, {"name", "queue.paused"}});
    for (const auto& pause : depth.paused)
        report.push_back({{"of", mail::name_of(pause.of)},
                          {"name", pause.name},
                          {"since", pause.since_us / 1'000'000}});
    return report;
}

}  // namespace veredus
