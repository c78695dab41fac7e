#include <arpa/inet.h>

#include <charconv>

#include <fmt/format.h>

#include "common/config/config.h"
#include "common/config/names.h"

namespace veredus::config {
namespace {

constexpr std::string_view kExample =
    "expected \"[host]:port\", e.g. \"[mx.example.org]:25\" or \"[192.0.2.1]:2525\"";

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace

std::expected<NextHop, std::string> NextHop::parse(std::string_view text) {
    NextHop hop;
    // A host has no '@', so the last one ends the credentials: both user and password may have
    // others.
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        const std::string_view credentials = text.substr(0, at);
        const auto colon = credentials.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return std::unexpected("expected \"user:password@[host]:port\"");
        hop.user = credentials.substr(0, colon);
        hop.password = credentials.substr(colon + 1);
        text.remove_prefix(at + 1);
    }
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::unexpected("the \"[\" has no \"]\"");
        hop.host = text.substr(1, close - 1);
        hop.look_up_mx = false;
        rest = text.substr(close + 1);
    } else {
        const auto colon = text.find(':');
        hop.host = text.substr(0, colon);
        rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    }
    if (is_ip_address(hop.host))
        hop.look_up_mx = false;
    else if (!is_domain_name(hop.host))
        return std::unexpected(std::string(kExample));
    if (rest.empty()) return hop;
    const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port)
        return std::unexpected(
            "the port is a number from 1 to 65535 after a colon, e.g. \"[192.0.2.1]:2525\"");
    hop.port = *port;
    return hop;
}

std::string NextHop::text() const {
    const std::string credentials = user.empty() ? "" : fmt::format("{}:{}@", user, password);
    if (look_up_mx) return fmt::format("{}{}:{}", credentials, host, port);
    return fmt::format("{}[{}]:{}", credentials, host, port);
}

std::string_view NextHop::shown(std::string_view text) {
    const auto credentials_end = text.rfind('@');  // the password may have one, too
    return credentials_end == text.npos ? text : text.substr(credentials_end + 1);
}

}  // namespace veredus::config
