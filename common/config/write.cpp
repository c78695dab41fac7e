#include <fmt/format.h>

#include "common/config/destinations.h"
#include "common/config/settings.h"

namespace veredus::config {
namespace {

std::string as_comment(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const auto end = text.find('\n');
        result += fmt::format("# {}\n", text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return result;
}

std::string routes_section(const Config& config) {
    std::string result =
        "\n[routes]\n"
        "# Where mail for a destination goes instead of to its MX; the first that matches wins.\n"
        "# \"[host]:port\" is that very host. \"*.example\" is all below example, \"*\" is any.\n"
        "# \"peer.example\" = \"[192.0.2.1]:25\"\n";
    for (const Route& route : config.routes)
        result += fmt::format("\"{}\" = \"{}\"\n", route.destination, route.next_hop.text());
    return result;
}

std::string destinations_section(const Config& config) {
    std::string result =
        "\n[destinations]\n"
        "# What a destination gets at most, where that is not to be left to Veredus: connections "
        "at a\n"
        "# time (it tries up to 20), messages over one, recipients of a message at a time (100), "
        "and\n"
        "# the rate of messages. A destination is a domain, or the host that [routes] or a "
        "smarthost\n"
        "# names. Each limit is that of the first line that matches and has it.\n"
        "# \"peer.example\" = { connections = 5, messages = 100, recipients = 50, rate = \"60/m\" "
        "}\n";
    for (const auto& [pattern, limits] : config.destinations)
        result += fmt::format("\"{}\" = {}\n", pattern, limits_text(limits));
    return result;
}

}  // namespace

Config without_passwords(Config config) {
    const auto hide = [](NextHop& hop) {
        if (!hop.user.empty()) hop.password = "***";
    };
    if (config.relay.smarthost) hide(*config.relay.smarthost);
    for (Route& route : config.routes)
        hide(route.next_hop);
    return config;
}

std::string write(const Config& config) {
    const Config defaults;
    std::string result =
        "# The configuration of Veredus. What stands behind a # has that value already.\n\n";
    std::string_view section;
    for (const Setting& setting : settings()) {
        if (setting.section() != section) {
            section = setting.section();
            result += fmt::format("\n[{}]\n", section);
        }
        const std::string value = value_text(setting, config);
        const bool is_default = value == value_text(setting, defaults);
        result += fmt::format("{}{}{} = {}\n", as_comment(setting.help), is_default ? "# " : "",
                              setting.name(), value);
    }
    return result + routes_section(config) + destinations_section(config);
}

std::string show(const Config& config, const Origins& origins) {
    const Config printable = without_passwords(config);
    std::string result;
    const auto add = [&](const std::string& key, const std::string& spelling,
                         const std::string& value) {
        const auto origin = origins.find(key);
        result += fmt::format("{:<42}  # {}\n", fmt::format("{} = {}", spelling, value),
                              origin == origins.end() ? "default" : origin->second);
    };
    for (const Setting& setting : settings()) {
        const std::string key(setting.key);
        add(key, key, value_text(setting, printable));
    }
    for (const Route& route : printable.routes)
        add("routes." + route.destination, fmt::format("routes.\"{}\"", route.destination),
            fmt::format("\"{}\"", route.next_hop.text()));
    for (const auto& [pattern, limits] : printable.destinations)
        add("destinations." + pattern, fmt::format("destinations.\"{}\"", pattern),
            limits_text(limits));
    return result;
}

}  // namespace veredus::config
