#include "tools/veredus/systemd/services_report.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tools/veredus/supervisor/graph.h"

namespace veredus::systemd {
namespace {

using nlohmann::json;
using Unit = std::map<std::string, std::string, std::less<>>;

// "Name=value" lines; a blank line between units. A property that comes twice has both values,
// separated by a blank.
std::map<std::string, Unit, std::less<>> units_in(std::string_view text) {
    std::map<std::string, Unit, std::less<>> units;
    Unit unit;
    const auto finish = [&] {
        if (const auto id = unit.find("Id"); id != unit.end()) units[id->second] = unit;
        unit.clear();
    };
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            finish();
            continue;
        }
        std::string& value = unit[std::string(line.substr(0, equals))];
        if (!value.empty()) value += ' ';
        value += line.substr(equals + 1);
    }
    finish();
    return units;
}

std::uint64_t number(const Unit& unit, std::string_view name) {
    std::uint64_t value = 0;
    if (const auto found = unit.find(name); found != unit.end())
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    return value;
}

std::string text(const Unit& unit, std::string_view name) {
    const auto found = unit.find(name);
    return found == unit.end() ? std::string() : found->second;
}

std::string state_of(const Unit& unit) {
    const std::string active = text(unit, "ActiveState");
    if (active == "active") return "serving";
    if (active == "activating")
        return text(unit, "SubState") == "auto-restart" ? "waiting" : "starting";
    return "stopped";
}

// Listen=127.0.0.1:25 (Stream) [::1]:25 (Stream)
void add_listening(const Unit& socket, std::string_view name, json& listening,
                   std::set<unsigned>& ports) {
    if (text(socket, "ActiveState") != "active") return;
    const std::string listen = text(socket, "Listen");
    std::string_view rest = listen;
    while (!rest.empty()) {
        const std::string_view word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        const auto colon = word.rfind(':');
        if (colon == std::string_view::npos) continue;
        unsigned port = 0;
        std::from_chars(word.data() + colon + 1, word.data() + word.size(), port);
        ports.insert(port);
        listening.push_back({{"name", name}, {"address", word}});
    }
}

std::string output_of(const char* command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command, "re"), ::pclose);
    std::string text;
    std::array<char, 4096> piece{};
    while (pipe) {
        const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe.get());
        if (count == 0) break;
        text.append(piece.data(), count);
    }
    return text;
}

}  // namespace

std::optional<json> services_report(std::string_view services, std::string_view sockets,
                                    std::uint64_t now_us) {
    const auto units = units_in(services);
    const auto listening_units = units_in(sockets);
    bool ready = true;
    bool any = false;
    json daemons = json::array();
    for (const auto& daemon : supervisor::graph()) {
        const auto found = units.find("veredus-" + std::string(daemon.name) + ".service");
        // A host may have transport of mail alone.
        if (found == units.end() || text(found->second, "LoadState") != "loaded") continue;
        const Unit& unit = found->second;
        json listening = json::array();
        std::set<unsigned> ports;
        for (const auto& port : daemon.ports)
            if (const auto socket =
                    listening_units.find("veredus-" + std::string(port.name) + ".socket");
                socket != listening_units.end())
                add_listening(socket->second, port.name, listening, ports);
        const std::string state = state_of(unit);
        const std::uint64_t since = number(unit, "ActiveEnterTimestampMonotonic");
        any = any || state != "stopped";
        ready = ready && state == "serving";
        daemons.push_back({{"name", daemon.name},
                           {"pid", number(unit, "MainPID")},
                           {"state", state},
                           {"restarts", number(unit, "NRestarts")},
                           {"uptime_s", state == "serving" ? (now_us - since) / 1'000'000 : 0},
                           {"ports", ports},
                           {"listening", std::move(listening)}});
    }
    if (!any) return std::nullopt;
    return json{{"ready", ready}, {"daemons", std::move(daemons)}};
}

std::optional<json> services_report() {
    // The shell of popen would say so if it could not read where it starts.
    std::filesystem::current_path("/");
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return services_report(
        output_of("systemctl show 'veredus-*.service' --property=Id,LoadState,ActiveState,SubState,"
                  "MainPID,NRestarts,ActiveEnterTimestampMonotonic 2>/dev/null"),
        output_of("systemctl show 'veredus-*.socket' --property=Id,ActiveState,Listen 2>/dev/null"),
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
            static_cast<std::uint64_t>(now.tv_nsec) / 1'000);
}

}  // namespace veredus::systemd
