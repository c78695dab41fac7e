#include "common/mail/received.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/mail/header.h"

namespace veredus::mail {
namespace {

// [utf8][authenticated][tls]
constexpr std::array<std::string_view, 8> kProtocols = {
    "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};

constexpr std::size_t kNameLengthMax = 255;

// What a peer said of itself, harmless in a header: no comment, no other clause, no fold.
std::string harmless(std::string_view text) {
    std::string out(text.substr(0, kNameLengthMax));
    for (char& c : out)
        if (c <= ' ' || c == '\x7F' || std::string_view("()<>;\\\",").contains(c)) c = '?';
    return out;
}

std::string harmless_path(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') c = '?';
    return out;
}

}  // namespace

std::string_view protocol_name(bool extended, bool tls, bool authenticated, bool utf8) {
    if (!extended) return "SMTP";
    return kProtocols[(utf8 ? 4U : 0U) + (authenticated ? 2U : 0U) + (tls ? 1U : 0U)];
}

std::string address_literal(std::string_view address) {
    const bool v6 = address.find(':') != std::string_view::npos;
    return fmt::format("[{}{}]", v6 ? "IPv6:" : "", address);
}

std::string received_field(const ReceivedFacts& facts) {
    std::string out = "Received:";
    if (!facts.client_address.empty()) {
        const std::string literal = address_literal(harmless(facts.client_address));
        const std::string helo = facts.helo.empty() ? literal : harmless(facts.helo);
        const std::string name = facts.client_name.empty() ? "" : harmless(facts.client_name) + ' ';
        out += fmt::format(" from {} ({}{})\r\n\tby", helo, name, literal);
    } else {
        out += " by";
    }
    out += fmt::format(" {}", harmless(facts.host));
    if (facts.uid)
        out += fmt::format(" (Veredus, from userid {})", *facts.uid);
    else
        out += " (Veredus)";
    if (!facts.protocol.empty()) out += fmt::format(" with {}", harmless(facts.protocol));
    if (!facts.tls_version.empty())
        out +=
            fmt::format("\r\n\t({} {})", harmless(facts.tls_version), harmless(facts.tls_cipher));
    out += fmt::format(" id {}", harmless(facts.id));
    if (!facts.recipient.empty())
        out += fmt::format("\r\n\tfor <{}>", harmless_path(facts.recipient));
    out += fmt::format(";\r\n\t{}\r\n", date_text(facts.date));
    return out;
}

std::size_t count_received(std::string_view message) {
    const Header header = Header::scan(message);
    return static_cast<std::size_t>(std::ranges::count_if(
        header.fields(), [](const HeaderField& field) { return field.is("Received"); }));
}

}  // namespace veredus::mail
