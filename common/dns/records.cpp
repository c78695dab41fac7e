#include "common/dns/records.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace veredus::dns {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t at) {
    return static_cast<std::uint8_t>(text[at]);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// RFC 1035 section 3.1: labels with their lengths up to the empty one. What a host name cannot hold
// is written as "\DDD" (section 5.1), so that it is never taken for one.
std::optional<std::string> read_name(std::string_view wire) {
    std::string name;
    while (!wire.empty()) {
        const std::size_t length = byte_at(wire, 0);
        wire.remove_prefix(1);
        if (length == 0) return name;
        if (length > 63 || length > wire.size()) return std::nullopt;
        if (!name.empty()) name += '.';
        for (const char given : wire.substr(0, length)) {
            const char c = lower(given);
            if (is_host_char(c))
                name += c;
            else
                name += fmt::format("\\{:03}", static_cast<std::uint8_t>(c));
        }
        wire.remove_prefix(length);
    }
    return std::nullopt;
}

std::string address_text(int family, std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

}  // namespace

std::optional<std::string> read_a(std::string_view rdata) {
    if (rdata.size() != 4) return std::nullopt;
    return address_text(AF_INET, rdata);
}

std::optional<std::string> read_aaaa(std::string_view rdata) {
    if (rdata.size() != 16) return std::nullopt;
    return address_text(AF_INET6, rdata);
}

std::optional<MxRecord> read_mx(std::string_view rdata) {
    if (rdata.size() < 3) return std::nullopt;
    auto host = read_name(rdata.substr(2));
    if (!host) return std::nullopt;
    const auto preference = static_cast<std::uint16_t>(byte_at(rdata, 0) << 8 | byte_at(rdata, 1));
    return MxRecord{.preference = preference, .host = std::move(*host)};
}

std::optional<std::string> read_ptr(std::string_view rdata) {
    return read_name(rdata);
}

std::optional<std::string> read_txt(std::string_view rdata) {
    std::string text;
    while (!rdata.empty()) {
        const std::size_t length = byte_at(rdata, 0);
        if (length > rdata.size() - 1) return std::nullopt;
        text += rdata.substr(1, length);
        rdata.remove_prefix(length + 1);
    }
    return text;
}

std::optional<std::string> reverse_name(std::string_view ip) {
    const std::string text(ip);
    std::array<std::uint8_t, 16> bytes{};
    std::string name;
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
        return fmt::format("{}.{}.{}.{}.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return std::nullopt;
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
        name += fmt::format("{:x}.{:x}.", *byte & 15, *byte >> 4);
    return name + "ip6.arpa";
}

bool is_name(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.size() > 253) return false;
    while (true) {
        const std::string_view label = name.substr(0, name.find('.'));
        if (label.empty() || label.size() > 63) return false;
        if (!std::ranges::all_of(label, [](char c) { return is_host_char(lower(c)); }))
            return false;
        if (label.size() == name.size()) return true;
        name.remove_prefix(label.size() + 1);
    }
}

bool is_null_mx(const Answer<MxRecord>& answer) {
    return answer.status == Status::answer && answer.records.size() == 1 &&
           answer.records.front().host.empty();
}

}  // namespace veredus::dns
