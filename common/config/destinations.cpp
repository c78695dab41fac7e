#include "common/config/destinations.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/config/names.h"
#include "common/config/settings.h"

namespace veredus::config {
namespace {

struct Count {
    std::string_view name;
    unsigned DestinationLimits::* place;
    unsigned most;
};

// relayd has no more connections in all, and a job of its no more recipients.
constexpr std::array kCounts{
    Count{"connections", &DestinationLimits::connections, 300},
    Count{"messages", &DestinationLimits::messages, 1'000'000},
    Count{"recipients", &DestinationLimits::recipients, 100},
};
constexpr std::string_view kRate = "rate";

constexpr std::array kNames{kCounts[0].name, kCounts[1].name, kCounts[2].name, kRate};

std::string unknown_limit(std::string_view name) {
    if (const auto near = nearest(name, kNames); !near.empty())
        return fmt::format("unknown limit; did you mean {}?", near);
    return fmt::format("unknown limit; known are: {}", fmt::join(kNames, ", "));
}

}  // namespace

std::optional<Rate> Rate::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    Rate rate;
    const auto [end, error] = std::from_chars(text.data(), text.data() + slash, rate.count);
    if (error != std::errc() || end != text.data() + slash || rate.count == 0) return std::nullopt;
    std::string period(text.substr(slash + 1));
    if (!period.empty() && (period.front() < '0' || period.front() > '9')) period.insert(0, "1");
    const auto per = parse_duration(period);
    if (!per || per->count() == 0) return std::nullopt;
    rate.per = *per;
    return rate;
}

std::string Rate::text() const {
    std::string period = duration_text(per);
    const bool one = period.starts_with('1') && (period.size() == 2 || period == "1ms");
    return fmt::format("{}/{}", count, one ? period.substr(1) : period);
}

std::chrono::microseconds Rate::pace() const {
    if (count == 0) return {};
    return std::chrono::microseconds(per) / count;
}

bool is_destination_pattern(std::string_view pattern) {
    if (pattern == "*" || is_ip_address(pattern)) return true;
    return is_domain_name(pattern.starts_with("*.") ? pattern.substr(2) : pattern);
}

bool matches(std::string_view pattern, std::string_view name) {
    if (pattern == "*") return true;
    if (!pattern.starts_with("*.")) return pattern == name;
    const auto suffix = pattern.substr(1);
    return name.size() > suffix.size() && name.ends_with(suffix);
}

std::expected<void, std::string> store_limit(std::string_view name, const TomlValue& value,
                                             DestinationLimits& limits) {
    if (name == kRate) {
        const auto* text = std::get_if<std::string>(&value);
        const auto rate = text ? Rate::parse(*text) : std::nullopt;
        if (!rate)
            return std::unexpected(
                "expected messages in a time, in quotes, e.g. \"60/m\", \"5/s\" or \"1/10s\"");
        limits.rate = *rate;
        return {};
    }
    const auto count = std::ranges::find(kCounts, name, &Count::name);
    if (count == kCounts.end()) return std::unexpected(unknown_limit(name));
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number || *number < 1 || *number > count->most)
        return std::unexpected(
            fmt::format("expected a whole number from 1 to {}, without quotes", count->most));
    limits.*(count->place) = static_cast<unsigned>(*number);
    return {};
}

std::string limits_text(const DestinationLimits& limits) {
    std::vector<std::string> parts;
    for (const auto& count : kCounts) {
        if (limits.*(count.place) != 0)
            parts.push_back(fmt::format("{} = {}", count.name, limits.*(count.place)));
    }
    if (limits.rate.count != 0) parts.push_back(fmt::format("rate = \"{}\"", limits.rate.text()));
    return fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

DestinationLimits Config::limits_for(std::string_view next_hop) const {
    const auto hop = NextHop::parse(next_hop);
    const std::string name = lower_case(hop ? std::string_view(hop->host) : next_hop);
    DestinationLimits found;
    for (const auto& [pattern, said] : destinations) {
        if (!matches(pattern, name)) continue;
        for (const auto& count : kCounts) {
            if (found.*(count.place) == 0) found.*(count.place) = said.*(count.place);
        }
        if (found.rate.count == 0) found.rate = said.rate;
    }
    return found;
}

}  // namespace veredus::config
