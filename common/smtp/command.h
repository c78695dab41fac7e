#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/mail/envelope.h"
#include "common/smtp/address.h"
#include "common/smtp/replies.h"

namespace veredus::smtp {

// Octets of a command line with its CRLF. RFC 5321, 4.5.3.1.4 asks for 512; parameters add to it
// (RFC 1870: 26, RFC 4954: 500, RFC 6152: 17, RFC 3461: 619).
inline constexpr std::size_t kCommandLineMax = 2048;
// Of a line in an AUTH exchange, and of AUTH with an initial response (RFC 4954, 4).
inline constexpr std::size_t kAuthLineMax = 12288;

enum class Verb : std::uint8_t {
    ehlo,
    helo,
    mail,
    rcpt,
    data,
    rset,
    noop,
    quit,
    vrfy,
    help,
    starttls,
    auth,
    xqueue,
};

// When a command may come, and what it is to the pipeline.
enum CommandFlag : unsigned {
    needs_hello = 1u << 0,         // 503 before EHLO or HELO
    needs_mail = 1u << 1,          // 503 outside a transaction
    needs_recipient = 1u << 2,     // 503 or 554 without an accepted RCPT
    not_in_transaction = 1u << 3,  // 503 after MAIL
    last_in_group = 1u << 4,       // its reply is sent at once (RFC 2920, 3.2 (5))
    needs_login = 1u << 5,         // 530 where the policy asks for authentication
    no_arguments = 1u << 6,        // 501 if something follows the verb (RFC 5321, 4.1.1)
    submission_socket = 1u << 7,   // known only where local programs speak
};

// What a client calls itself: a domain, an address literal, or what else of that alphabet and '_'
// real clients say. Kept as typed; fit for a Received field.
struct HelloArguments {
    std::string name;
};
struct MailArguments {
    ReversePath reverse_path;
    std::optional<std::uint64_t> size;                // octets as declared (RFC 1870)
    mail::BodyType body = mail::BodyType::kSevenBit;  // RFC 6152
    std::optional<std::string> auth;     // decoded: "<>" or a mailbox (RFC 4954, 5); not believed
    mail::Ret ret = mail::Ret::kUnsaid;  // RFC 3461, 4.3
    std::string envelope_id;             // RFC 3461, 4.4: ENVID, decoded
};
struct RcptArguments {
    ForwardPath forward_path;
    std::uint8_t notify = 0;         // bits, mail::kNotify... (RFC 3461, 4.1)
    std::string original_recipient;  // RFC 3461, 4.2: ORCPT, decoded: "rfc822;a@b.example"
};
struct AuthArguments {
    std::string mechanism;  // upper case
    // base64 as typed, "=" for one that is empty
    std::optional<std::string> initial_response;
};
struct TextArguments {
    std::string text;
};  // VRFY, HELP, NOOP
struct NoArguments {};

using Arguments = std::variant<NoArguments, HelloArguments, MailArguments, RcptArguments,
                               AuthArguments, TextArguments>;

struct ParseContext {
    // The domain of addresses typed without one; null: such addresses are refused.
    const Domain* qualify_with = nullptr;
    bool submission_socket = false;
    bool dsn = false;  // RFC 3461 is offered: RET, ENVID, NOTIFY and ORCPT are known
};

struct CommandRow {
    std::string_view name;  // as in "MAIL"
    Verb verb;
    std::expected<Arguments, Answer> (*parse)(std::string_view arguments,
                                              const ParseContext& context);
    unsigned flags;           // of CommandFlag
    std::string_view syntax;  // for HELP: "MAIL FROM:<address> [SIZE=octets]"

    bool has(CommandFlag flag) const { return (flags & flag) != 0; }
};

std::span<const CommandRow> commands();

struct Command {
    const CommandRow* row;
    Arguments arguments;

    Verb verb() const { return row->verb; }
};

// `line` without its CRLF. Verbs in any case; spaces at either end are ignored. The error is the
// reply to give, which says what to type.
std::expected<Command, Answer> parse_command(std::string_view line,
                                             const ParseContext& context = {});

}  // namespace veredus::smtp
