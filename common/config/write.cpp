#include <fmt/format.h>

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

// The passwords of next hops stay out of what people print and paste.
Config without_passwords(Config config) {
    const auto hide = [](NextHop& hop) {
        if (!hop.user.empty()) hop.password = "***";
    };
    if (config.relay.smarthost) hide(*config.relay.smarthost);
    for (Route& route : config.routes)
        hide(route.next_hop);
    return config;
}

}  // namespace

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
    return result + routes_section(config);
}

std::string show(const Config& config) {
    const Config printable = without_passwords(config);
    std::string result;
    for (const Setting& setting : settings())
        result += fmt::format("{} = {}\n", setting.key, value_text(setting, printable));
    for (const Route& route : printable.routes)
        result += fmt::format("routes.\"{}\" = \"{}\"\n", route.destination, route.next_hop.text());
    return result;
}

}  // namespace veredus::config
