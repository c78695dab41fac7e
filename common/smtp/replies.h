#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "common/smtp/reply.h"

namespace veredus::smtp {

// Who is to blame for a reply: what the client did counts against it, what we lack is logged as a
// warning.
enum class Blame : std::uint8_t { nobody, client, us };

// Every reply the server's side can give, in the order of the table in replies.cpp.
enum class Say : std::uint8_t {
    // --- Well
    greeting,
    hello,
    bye,
    ok,
    help,
    sender_ok,
    recipient_ok,
    go_ahead_data,
    queued,
    vrfy_maybe,
    go_ahead_tls,
    authenticated,
    queue_follows,
    // --- The line
    line_too_long,
    auth_line_too_long,
    bare_newline_in_command,
    control_character_in_command,
    non_ascii_in_command,
    empty_line,
    unknown_command,
    unknown_command_guess,
    slip,
    not_implemented,
    http_here,
    no_arguments,
    // --- Arguments
    hello_needs_name,
    hello_bad_name,
    mail_needs_from,
    rcpt_needs_to,
    bad_sender,
    bad_recipient,
    sender_needs_domain,
    recipient_needs_domain,
    non_ascii_address,
    text_after_path,
    unknown_parameter,
    parameter_twice,
    bad_size,
    bad_body,
    bad_auth_parameter,
    bad_ret,
    bad_envid,
    bad_notify,
    bad_orcpt,
    vrfy_needs_address,
    auth_needs_mechanism,
    // --- Order
    hello_first,
    mail_first,
    rcpt_first,
    no_valid_recipients,
    already_in_transaction,
    // --- TLS and AUTH
    tls_not_here,
    tls_already,
    tls_first,
    auth_not_here,
    auth_needs_tls,
    auth_already,
    auth_first,
    auth_unknown_mechanism,
    auth_cancelled,
    auth_not_base64,
    auth_malformed,
    auth_wrong,
    auth_unavailable,
    // --- Policy
    unknown_user,
    relaying_denied,
    sender_not_yours,
    header_from_not_yours,
    header_from_bad,
    too_many_recipients,
    resolver_unavailable,
    // --- Message data
    message_too_large_declared,
    message_too_large,
    message_bare_lf,
    message_bare_cr,
    message_nul,
    message_line_too_long,
    message_header_too_large,
    message_loops,
    queue_unavailable,
    queue_full,
    // --- The connection
    too_many_connections,
    too_many_errors,
    idle_timeout,
    shutting_down,
    internal_error,
    count_,
};

struct NamedReply {
    Say name;
    int code;
    std::optional<EnhancedStatus> status;
    Blame blame;
    // One line, in which each {} is the next argument.
    std::string_view text;
};

std::span<const NamedReply> named_replies();
const NamedReply& named_reply(Say name);

// A reply of the table with its arguments; `blame` comes along so that the session can count.
struct Answer {
    Say name;
    Reply reply;
    Blame blame() const { return named_reply(name).blame; }
};

Answer say(Say name, std::initializer_list<std::string_view> arguments = {});

}  // namespace veredus::smtp
