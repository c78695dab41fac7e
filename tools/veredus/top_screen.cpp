#include "tools/veredus/top_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <ranges>
#include <vector>

#include "common/log/log.h"
#include "common/mailq/why.h"

namespace veredus {
namespace {

using ipc::admin::FlowNow;

struct Rate {
    const char* name;
    std::uint64_t FlowNow::* total;
};

constexpr std::array<Rate, 5> kRates{{{"accepted", &FlowNow::accepted},
                                      {"delivered", &FlowNow::delivered},
                                      {"relayed", &FlowNow::relayed},
                                      {"deferred", &FlowNow::deferred},
                                      {"failed", &FlowNow::failed}}};

double per_second(const Rate& rate, const Moment& before, const Moment& now) {
    const auto us = now.flow.at_us - before.flow.at_us;
    const auto old = before.flow.*rate.total;
    const auto count = now.flow.*rate.total;
    if (us <= 0 || count < old) return 0;  // queued was started anew in between
    return static_cast<double>(count - old) * 1e6 / static_cast<double>(us);
}

std::string rates_line(const Moment& before, const Moment& now) {
    std::string line = "per second ";
    for (const Rate& rate : kRates)
        line += fmt::format("  {} {:.1f}", rate.name, per_second(rate, before, now));
    return line;
}

std::string totals_line(const FlowNow& flow) {
    std::string line = "since start";
    for (const Rate& rate : kRates)
        line += fmt::format("  {} {}", rate.name, flow.*rate.total);
    return line;
}

std::string oldest_line(const FlowNow& flow) {
    if (flow.oldest_us == 0) return "oldest       none";
    return "oldest       " + mailq::rough_time(flow.at_us - flow.oldest_us);
}

// No longer than the screen is wide; what a destination said may hold anything.
std::string fitted(std::string_view line, std::size_t columns) {
    std::string text = log::printable(line);
    if (text.size() > columns) text.resize(columns);
    return text + "\n";
}

}  // namespace

std::string top_screen(const Moment& before, const Moment& now, std::size_t lines,
                       std::size_t columns) {
    const auto& depth = now.depth;
    std::vector<std::string> text{
        rates_line(before, now),
        totals_line(now.flow),
        fmt::format("queue        {} messages  {} bytes  {} active  {} deferred  {} held",
                    depth.messages, depth.bytes, depth.active, depth.deferred, depth.held),
        oldest_line(now.flow),
        "",
        fmt::format("{:<30} {:>6} {:>5} {:>8}  {}", "destination", "active", "most", "waiting",
                    "last error")};
    for (const auto& to : now.flow.destinations)
        text.push_back(fmt::format("{:<30} {:>6} {:>5} {:>8}  {}", to.name, to.active, to.most,
                                   to.waiting, to.last_error));
    std::string screen;
    for (const auto& line : text | std::views::take(lines))
        screen += fitted(line, columns);
    return screen;
}

std::string top_json(const Moment& before, const Moment& now) {
    using nlohmann::ordered_json;
    ordered_json rates;
    ordered_json totals;
    for (const Rate& rate : kRates) {
        rates[rate.name] = per_second(rate, before, now);
        totals[rate.name] = now.flow.*rate.total;
    }
    auto destinations = ordered_json::array();
    for (const auto& to : now.flow.destinations)
        destinations.push_back({{"name", to.name},
                                {"active", to.active},
                                {"most", to.most},
                                {"waiting", to.waiting},
                                {"last_error", to.last_error}});
    const auto& depth = now.depth;
    const ordered_json line{{"at", now.flow.at_us / 1'000'000},
                            {"per_second", std::move(rates)},
                            {"since_start", std::move(totals)},
                            {"queue",
                             {{"messages", depth.messages},
                              {"bytes", depth.bytes},
                              {"active", depth.active},
                              {"deferred", depth.deferred},
                              {"held", depth.held}}},
                            {"oldest", now.flow.oldest_us / 1'000'000},
                            {"destinations", std::move(destinations)}};
    return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace veredus
