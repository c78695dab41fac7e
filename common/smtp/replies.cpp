#include "common/smtp/replies.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/smtp/ascii.h"

namespace veredus::smtp {
namespace {

using enum Blame;
constexpr std::nullopt_t kNone = std::nullopt;

constexpr EnhancedStatus es(int status_class, int subject, int detail) {
    return {static_cast<std::uint8_t>(status_class), static_cast<std::uint16_t>(subject),
            static_cast<std::uint16_t>(detail)};
}

// "Every refusal teaches": what was wrong, then what to type or do. Codes: RFC 5321, 4.2.2 and
// 4954, 4, 6; statuses: RFC 3463 and 4954, 6.
constexpr auto kReplies = std::to_array<NamedReply>({
    // clang-format off
    // --- Well
    {Say::greeting, 220, kNone, nobody, "{} ESMTP Veredus"},
    {Say::hello, 250, kNone, nobody, "{}"},
    {Say::bye, 221, es(2, 0, 0), nobody, "{} closes the connection; goodbye"},
    {Say::ok, 250, es(2, 0, 0), nobody, "Ok"},
    {Say::help, 214, es(2, 0, 0), nobody, "{}"},
    {Say::sender_ok, 250, es(2, 1, 0), nobody, "Sender ok"},
    {Say::recipient_ok, 250, es(2, 1, 5), nobody, "Recipient ok"},
    {Say::go_ahead_data, 354, kNone, nobody,
     "Type the message; end it with a line that has one dot only"},
    {Say::queued, 250, es(2, 0, 0), nobody, "Ok: queued as {}"},
    {Say::vrfy_maybe, 252, es(2, 0, 0), nobody, "Addresses are not verified; try RCPT TO:<{}>"},
    {Say::go_ahead_tls, 220, es(2, 0, 0), nobody, "Ready to start TLS"},
    {Say::authenticated, 235, es(2, 7, 0), nobody, "Welcome, {}"},
    {Say::queue_follows, 250, es(2, 0, 0), nobody,
     "The queue follows: packets behind their lengths, up to one of length 0"},
    // --- The line
    {Say::line_too_long, 500, es(5, 5, 2), client, "Line too long: at most {} octets"},
    {Say::auth_line_too_long, 500, es(5, 5, 6), client,
     "Authentication exchange line too long: at most {} octets"},
    {Say::bare_newline_in_command, 500, es(5, 5, 2), client,
     "The line has a CR or LF alone; lines end with CR LF"},
    {Say::control_character_in_command, 500, es(5, 5, 2), client,
     "The line has a control character, perhaps a typing error mended; type the line again"},
    {Say::non_ascii_in_command, 500, es(5, 5, 2), client,
     "The line has characters outside ASCII; commands are ASCII, and TLS begins with STARTTLS"},
    {Say::empty_line, 500, es(5, 5, 2), client, "The line is empty; HELP lists the commands"},
    {Say::unknown_command, 500, es(5, 5, 2), client, "No command {}; HELP lists the commands"},
    {Say::unknown_command_guess, 500, es(5, 5, 2), client, "No command {}; did you mean {}?"},
    {Say::slip, 500, es(5, 5, 2), client, "No command {}: {}"},
    {Say::not_implemented, 502, es(5, 5, 1), client, "{} is not offered here"},
    {Say::http_here, 500, es(5, 5, 2), client, "This port speaks SMTP, not HTTP; goodbye"},
    {Say::no_arguments, 501, es(5, 5, 4), client, "{} stands alone; type {} and nothing after it"},
    // --- Arguments
    {Say::hello_needs_name, 501, es(5, 5, 4), client, "Who are you? Type {} your.host.name"},
    {Say::hello_bad_name, 501, es(5, 5, 4), client,
     "{} is followed by one host name or [address]; type {} your.host.name"},
    {Say::mail_needs_from, 501, es(5, 5, 4), client,
     "Type MAIL FROM:<your@address>, or MAIL FROM:<> for no sender"},
    {Say::rcpt_needs_to, 501, es(5, 5, 4), client, "Type RCPT TO:<their@address>"},
    {Say::bad_sender, 501, es(5, 1, 7), client,
     "Bad sender address {}: {}; type MAIL FROM:<your@address>"},
    {Say::bad_recipient, 501, es(5, 1, 3), client,
     "Bad recipient address {}: {}; type RCPT TO:<their@address>"},
    {Say::sender_needs_domain, 553, es(5, 1, 7), client,
     "Sender {} has no domain; type MAIL FROM:<{}@your.domain>"},
    {Say::recipient_needs_domain, 553, es(5, 1, 3), client,
     "Recipient {} has no domain; type RCPT TO:<{}@their.domain>"},
    {Say::non_ascii_address, 553, es(5, 6, 7), client,
     "Addresses outside ASCII need SMTPUTF8, which is not offered here"},
    {Say::text_after_path, 501, es(5, 5, 4), client,
     "After the address come a space and parameters, not {}; type {}"},
    {Say::unknown_parameter, 555, es(5, 5, 4), client, "Parameter {} is not known for {}"},
    {Say::parameter_twice, 501, es(5, 5, 4), client, "Parameter {} is given twice"},
    {Say::bad_size, 501, es(5, 5, 4), client, "SIZE is a number of octets: SIZE=12345"},
    {Say::bad_body, 501, es(5, 5, 4), client, "BODY is 7BIT or 8BITMIME: BODY=8BITMIME"},
    {Say::bad_auth_parameter, 501, es(5, 5, 4), client,
     "AUTH is <> or an address in xtext (RFC 3461): AUTH=<>"},
    {Say::bad_ret, 501, es(5, 5, 4), client, "RET is FULL or HDRS: RET=HDRS"},
    {Say::bad_envid, 501, es(5, 5, 4), client,
     "ENVID is up to 100 characters in xtext (RFC 3461): ENVID=abc123"},
    {Say::bad_notify, 501, es(5, 5, 4), client,
     "NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY with commas: NOTIFY=FAILURE,DELAY"},
    {Say::bad_orcpt, 501, es(5, 5, 4), client,
     "ORCPT is a type and an address in xtext (RFC 3461): ORCPT=rfc822;their@address"},
    {Say::vrfy_needs_address, 501, es(5, 5, 4), client, "Type VRFY their@address"},
    {Say::auth_needs_mechanism, 501, es(5, 5, 4), client, "Type AUTH PLAIN or AUTH LOGIN"},
    // --- Order
    {Say::hello_first, 503, es(5, 5, 1), client, "Say hello first: EHLO your.host.name"},
    {Say::mail_first, 503, es(5, 5, 1), client, "{} comes after MAIL FROM:<your@address>"},
    {Say::rcpt_first, 503, es(5, 5, 1), client, "{} comes after RCPT TO:<their@address>"},
    {Say::no_valid_recipients, 554, es(5, 5, 1), client, "No valid recipients"},
    {Say::already_in_transaction, 503, es(5, 5, 1), client,
     "{} cannot come within a transaction; type RSET to begin another"},
    // --- TLS and AUTH
    {Say::tls_not_here, 502, es(5, 5, 1), client, "TLS is not offered here"},
    {Say::tls_already, 503, es(5, 5, 1), client, "TLS is active already"},
    {Say::tls_first, 530, es(5, 7, 0), client, "Must issue a STARTTLS command first"},
    {Say::auth_not_here, 502, es(5, 5, 1), client,
     "AUTH is not offered here; users submit mail on port 587 or 465"},
    {Say::auth_needs_tls, 538, es(5, 7, 11), client,
     "Passwords are taken under TLS only; type STARTTLS first"},
    {Say::auth_already, 503, es(5, 5, 1), client, "You are logged in already"},
    {Say::auth_first, 530, es(5, 7, 0), client,
     "Authentication required: log in first, with AUTH PLAIN or AUTH LOGIN"},
    {Say::auth_unknown_mechanism, 504, es(5, 5, 4), client,
     "No mechanism {}; type AUTH PLAIN or AUTH LOGIN"},
    {Say::auth_cancelled, 501, es(5, 7, 0), client, "Authentication cancelled"},
    {Say::auth_not_base64, 501, es(5, 5, 2), client, "That is not base64 (RFC 4648)"},
    {Say::auth_malformed, 501, es(5, 5, 2), client,
     "That is not what {} asks for (RFC 4616), or not UTF-8"},
    {Say::auth_wrong, 535, es(5, 7, 8), client, "Wrong user name or password"},
    {Say::auth_unavailable, 454, es(4, 7, 0), us, "Passwords cannot be checked now; try later"},
    // --- Policy
    {Say::unknown_user, 550, es(5, 1, 1), client, "<{}>: Recipient address rejected: User unknown; there is no such user here"},
    {Say::relaying_denied, 554, es(5, 7, 1), client,
     "<{}>: Relay access denied; users send to other hosts through port 587 or 465, logged in"},
    {Say::sender_not_yours, 553, es(5, 7, 1), client, "Sender <{}> is not an address of user {}"},
    {Say::header_from_not_yours, 550, es(5, 7, 1), client,
     "The From field has {}, which is not an address of user {}"},
    {Say::header_from_bad, 550, es(5, 6, 0), client,
     "The From field is not a list of addresses (RFC 5322, 3.6.2)"},
    {Say::too_many_recipients, 452, es(4, 5, 3), client,
     "Too many recipients; send the message to these {} and then again to the rest"},
    {Say::resolver_unavailable, 451, es(4, 3, 0), us,
     "Addresses cannot be looked up now; try later"},
    // --- Message data
    {Say::message_too_large_declared, 552, es(5, 3, 4), client,
     "Message too large: at most {} octets are taken"},
    {Say::message_too_large, 552, es(5, 3, 4), client,
     "Message too large: at most {} octets are taken"},
    {Say::message_bare_lf, 550, es(5, 5, 2), client,
     "Line {} has a LF without its CR (bare <LF>); lines end with CR LF"},
    {Say::message_bare_cr, 550, es(5, 5, 2), client,
     "Line {} has a CR without its LF (bare <CR>); lines end with CR LF"},
    {Say::message_nul, 550, es(5, 6, 0), client,
     "Line {} has a NUL; encode binary content as base64 (RFC 2045)"},
    {Say::message_line_too_long, 550, es(5, 6, 0), client,
     "Line {} is too long: at most {} octets are taken, 998 are right (RFC 5322, 2.1.1)"},
    {Say::message_header_too_large, 552, es(5, 3, 4), client,
     "The header is too large: at most {} octets are taken"},
    {Say::message_loops, 554, es(5, 4, 6), client,
     "The message goes in circles: it has {} Received fields; a forwarding on its way leads back"},
    {Say::queue_unavailable, 451, es(4, 3, 0), us, "The queue is not available now; try later"},
    {Say::queue_full, 452, es(4, 3, 1), us, "The queue has no room now; try later"},
    // --- The connection
    {Say::too_many_connections, 421, es(4, 7, 0), client,
     "Too many connections from your address; try later"},
    {Say::too_many_errors, 421, es(4, 7, 0), client, "Too many errors; goodbye"},
    {Say::idle_timeout, 421, es(4, 4, 2), client, "Nothing was said for too long; goodbye"},
    {Say::shutting_down, 421, es(4, 3, 2), us, "{} is shutting down; try later"},
    {Say::internal_error, 451, es(4, 3, 0), us, "Something failed here; try later"},
    // clang-format on
});

constexpr bool in_order() {
    for (std::size_t i = 0; i < kReplies.size(); ++i)
        if (static_cast<std::size_t>(kReplies[i].name) != i) return false;
    return kReplies.size() == static_cast<std::size_t>(Say::count_);
}
static_assert(in_order(), "the rows of the table stand as in Say");

}  // namespace

std::span<const NamedReply> named_replies() {
    return kReplies;
}

const NamedReply& named_reply(Say name) {
    return kReplies[static_cast<std::size_t>(name)];
}

Answer say(Say name, std::initializer_list<std::string_view> arguments) {
    const NamedReply& row = named_reply(name);
    std::string text;
    std::string_view rest = row.text;
    for (const auto argument : arguments) {
        const auto hole = rest.find("{}");
        if (hole == std::string_view::npos) break;
        text += rest.substr(0, hole);
        text += argument;
        rest.remove_prefix(hole + 2);
    }
    text += rest;
    // RFC 5321, 4.2: textstring. What a client sent must not look like a line of ours.
    std::ranges::replace_if(text, [](char c) { return !is_printable(c); }, '?');
    return {name, Reply(row.code, row.status, text)};
}

}  // namespace veredus::smtp
