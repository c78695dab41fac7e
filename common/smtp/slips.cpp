#include "common/smtp/slips.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "common/smtp/ascii.h"
#include "common/smtp/command.h"

namespace veredus::smtp {
namespace {

// Commands of other servers and other times (RFC 5321, 4.2.4, F).
constexpr auto kNotOffered = std::to_array<std::string_view>({
    "EXPN",
    "TURN",
    "ETRN",
    "ATRN",
    "SEND",
    "SOML",
    "SAML",
    "BDAT",
    "BURL",
    "XCLIENT",
    "XFORWARD",
    "LHLO",
    "VERB",
});

// A browser, or somebody who makes one speak to us (cross-protocol attacks): not worth a second
// line.
constexpr auto kHttp = std::to_array<std::string_view>({
    "GET",
    "POST",
    "PUT",
    "HEAD",
    "CONNECT",
    "OPTIONS",
    "DELETE",
    "PATCH",
});

struct Slip {
    std::string_view typed;
    std::string_view lesson;
};

constexpr auto kSlips = std::to_array<Slip>({
    {"FROM", "the sender is given with MAIL FROM:<your@address>"},
    {"MAILFROM", "there is a space, MAIL FROM:<your@address>"},
    {"MAIL_FROM", "there is a space, MAIL FROM:<your@address>"},
    {"SENDER", "the sender is given with MAIL FROM:<your@address>"},
    {"TO", "the recipient is given with RCPT TO:<their@address>"},
    {"CC", "each recipient is given with RCPT TO:<their@address>"},
    {"BCC", "each recipient is given with RCPT TO:<their@address>"},
    {"RCPTTO", "there is a space, RCPT TO:<their@address>"},
    {"RCPT_TO", "there is a space, RCPT TO:<their@address>"},
    {"RECIPIENT", "the recipient is given with RCPT TO:<their@address>"},
    {"SUBJECT", "the header comes after DATA"},
    {"DATE", "the header comes after DATA"},
    {"MESSAGE", "the message comes after DATA"},
    {"BODY", "the message comes after DATA"},
    {".", "the dot ends a message, and none has begun; it begins with DATA"},
    {"HI", "type EHLO your.host.name"},
    {"HEY", "type EHLO your.host.name"},
    {"HELLO", "type EHLO your.host.name, or HELO your.host.name with one L"},
    {"EHELO", "type EHLO your.host.name"},
    {"EXIT", "type QUIT"},
    {"BYE", "type QUIT"},
    {"CLOSE", "type QUIT"},
    {"LOGOUT", "type QUIT"},
    {"RESET", "type RSET"},
    {"CANCEL", "type RSET"},
    {"VERIFY", "type VRFY their@address"},
    {"TLS", "type STARTTLS"},
    {"STLS", "type STARTTLS; STLS is POP3's"},
    {"USER", "this is SMTP; POP3 is on another port, and here users log in with AUTH PLAIN"},
    {"PASS", "this is SMTP; POP3 is on another port, and here users log in with AUTH PLAIN"},
    {"LOGIN", "users log in with AUTH LOGIN or AUTH PLAIN"},
    {"LIST", "this is SMTP; mail is read by POP3 or IMAP, on other ports"},
    {"?", "type HELP"},
});

constexpr std::size_t kVerbShown = 40;  // characters of what was typed

// Whether one letter more, less or other, or two changed about, make `a` into `b`.
bool near(std::string_view a, std::string_view b) {
    if (a.size() > b.size()) std::swap(a, b);
    if (b.size() - a.size() > 1) return false;
    std::size_t i = 0;
    while (i < a.size() && to_upper(a[i]) == b[i])
        ++i;
    const auto same = [](std::string_view x, std::string_view y) { return iequal(x, y); };
    if (a.size() < b.size()) return same(a.substr(i), b.substr(i + 1));
    if (i + 1 < a.size() && to_upper(a[i]) == to_upper(b[i + 1]) &&
        to_upper(a[i + 1]) == to_upper(b[i]) && same(a.substr(i + 2), b.substr(i + 2)))
        return true;
    return i < a.size() && same(a.substr(i + 1), b.substr(i + 1));
}

}  // namespace

Answer teach(std::string_view verb) {
    const auto is_verb = [&](std::string_view name) { return iequal(name, verb); };
    const std::string_view shown = verb.substr(0, kVerbShown);
    if (std::ranges::any_of(kNotOffered, is_verb)) return say(Say::not_implemented, {shown});
    if (std::ranges::any_of(kHttp, is_verb)) return say(Say::http_here);
    for (const auto& slip : kSlips)
        if (is_verb(slip.typed)) return say(Say::slip, {shown, slip.lesson});
    for (const auto& row : commands())
        if (!row.has(submission_socket) && near(verb, row.name))
            return say(Say::unknown_command_guess, {shown, row.name});
    return say(Say::unknown_command, {shown});
}

}  // namespace veredus::smtp
