#include "tools/veredus/supervisor/status_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace veredus::supervisor {
namespace {

constexpr std::array<const char*, 4> kStateNames{"waiting", "starting", "serving", "stopped"};

nlohmann::json listening_on(const Listenings& listenings, std::string_view daemon) {
    std::set<std::uint16_t> ports;
    auto addresses = nlohmann::json::array();
    const auto found = listenings.find(daemon);
    if (found != listenings.end()) {
        for (const Listening& listening : found->second) {
            if (listening.port == 0) continue;
            ports.insert(listening.port);
            addresses.push_back({{"name", listening.name}, {"address", listening.address}});
        }
    }
    return {{"ports", ports}, {"listening", std::move(addresses)}};
}

}  // namespace

std::string at_next_start_text(std::string_view setting) {
    return fmt::format("{} has changed, which holds from the next start on", setting);
}

std::string status_report(const std::vector<Child>& children, const Listenings& listenings,
                          const Standing& standing, Time now) {
    bool ready = !standing.stopping;
    auto daemons = nlohmann::json::array();
    daemons.push_back({{"name", "veredus"},
                       {"pid", ::getpid()},
                       {"ports", nlohmann::json::array()},
                       {"state", standing.stopping ? "stopping" : "serving"}});
    for (const Child& child : children) {
        ready = ready && child.state == State::serving;
        auto daemon = listening_on(listenings, child.daemon->name);
        daemon["name"] = child.daemon->name;
        daemon["pid"] = child.pid;
        daemon["state"] = kStateNames.at(static_cast<std::size_t>(child.state));
        daemon["restarts"] = child.restarts;
        const auto up = std::chrono::duration_cast<std::chrono::seconds>(now - child.started);
        daemon["uptime_s"] = child.pid == 0 ? 0 : up.count();
        daemons.push_back(std::move(daemon));
    }
    const nlohmann::json report{{"ready", ready},
                                {"daemons", std::move(daemons)},
                                {"reloads", standing.reloads},
                                {"at_next_start", standing.at_next_start}};
    return report.dump() + "\n";
}

}  // namespace veredus::supervisor
