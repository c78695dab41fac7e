#include "common/smtp/command.h"

#include <algorithm>
#include <array>

#include "common/smtp/ascii.h"
#include "common/smtp/parameters.h"
#include "common/smtp/slips.h"

namespace veredus::smtp {
namespace {

using Parsed = std::expected<Arguments, Answer>;
using Refused = std::unexpected<Answer>;

Refused refuse(Say name, std::initializer_list<std::string_view> arguments = {}) {
    return Refused(say(name, arguments));
}

// RFC 5321, 4.1.1.1 and 4.1.4. The grammar is Domain or address literal; real clients also say
// my_host, fe80::1 and host.example. with a dot, and 4.1.4 lets nobody refuse mail for it.
Parsed parse_hello(std::string_view verb, std::string_view name) {
    if (name.empty()) return refuse(Say::hello_needs_name, {verb});
    const bool good = name.size() <= Domain::kMax && std::ranges::all_of(name, [](char c) {
                          return is_alnum(c) || std::string_view("-._:[]").contains(c);
                      });
    if (!good) return refuse(Say::hello_bad_name, {verb, verb});
    return HelloArguments{std::string(name)};
}

Parsed parse_ehlo(std::string_view arguments, const ParseContext&) {
    return parse_hello("EHLO", arguments);
}
Parsed parse_helo(std::string_view arguments, const ParseContext&) {
    return parse_hello("HELO", arguments);
}

// Takes "FROM:" or "TO:" in any case, with spaces around the colon.
bool take_label(std::string_view& arguments, std::string_view label) {
    if (!istarts_with(arguments, label)) return false;
    std::string_view rest = trim(arguments.substr(label.size()));
    if (!rest.starts_with(':')) return false;
    arguments = trim(rest.substr(1));
    return true;
}

// What the two commands with an address say about a bad one.
struct AddressReplies {
    Say bad;
    Say no_domain;
};

Answer bad_address(const AddressReplies& replies, std::string_view typed, AddressError error) {
    constexpr std::size_t kShown = 100;
    if (error == AddressError::non_ascii) return say(Say::non_ascii_address);
    if (error == AddressError::no_domain) {
        const auto bare = typed.substr(typed.starts_with('<') ? 1 : 0);
        const auto name = bare.substr(0, std::min(bare.find_first_of("> \t"), kShown));
        return say(replies.no_domain, {name, name});
    }
    return say(replies.bad, {typed.substr(0, kShown), address_error_text(error)});
}

bool text_follows(std::string_view rest) {
    return !rest.empty() && rest.front() != ' ' && rest.front() != '\t';
}

Parsed parse_mail(std::string_view arguments, const ParseContext& context) {
    if (!take_label(arguments, "FROM") || arguments.empty()) return refuse(Say::mail_needs_from);
    std::string_view rest = arguments;
    auto path = take_reverse_path(rest, context.qualify_with);
    if (!path)
        return Refused(
            bad_address({Say::bad_sender, Say::sender_needs_domain}, arguments, path.error()));
    if (text_follows(rest)) return refuse(Say::text_after_path, {rest, "MAIL FROM:<your@address>"});
    MailArguments mail{.reverse_path = std::move(*path)};
    if (auto refusal = parse_mail_parameters(rest, context, mail))
        return Refused(std::move(*refusal));
    return mail;
}

Parsed parse_rcpt(std::string_view arguments, const ParseContext& context) {
    if (!take_label(arguments, "TO") || arguments.empty()) return refuse(Say::rcpt_needs_to);
    std::string_view rest = arguments;
    auto path = take_forward_path(rest, context.qualify_with);
    if (!path)
        return Refused(bad_address({Say::bad_recipient, Say::recipient_needs_domain}, arguments,
                                   path.error()));
    if (text_follows(rest)) return refuse(Say::text_after_path, {rest, "RCPT TO:<their@address>"});
    RcptArguments rcpt{.forward_path = std::move(*path)};
    if (auto refusal = parse_rcpt_parameters(rest, context, rcpt))
        return Refused(std::move(*refusal));
    return rcpt;
}

// RFC 4954, 4: mechanism name and, perhaps, an initial response.
Parsed parse_auth(std::string_view arguments, const ParseContext&) {
    const auto space = std::min(arguments.find_first_of(" \t"), arguments.size());
    if (space == 0) return refuse(Say::auth_needs_mechanism);
    AuthArguments auth{.mechanism = std::string(arguments.substr(0, space))};
    std::ranges::transform(auth.mechanism, auth.mechanism.begin(), to_upper);
    const auto response = trim(arguments.substr(space));
    if (!response.empty()) auth.initial_response = std::string(response);
    return auth;
}

Parsed parse_vrfy(std::string_view arguments, const ParseContext&) {
    if (arguments.empty()) return refuse(Say::vrfy_needs_address);
    return TextArguments{std::string(arguments)};
}

Parsed parse_text(std::string_view arguments, const ParseContext&) {
    return TextArguments{std::string(arguments)};
}

// Used for commands without arguments; parse_command has seen to it that there are none.
Parsed parse_nothing(std::string_view, const ParseContext&) {
    return NoArguments{};
}

// In the order of a conversation, as HELP shows them.
constexpr auto kCommands = std::to_array<CommandRow>({
    // clang-format off
    {"EHLO", Verb::ehlo, parse_ehlo, last_in_group, "EHLO your.host.name"},
    {"HELO", Verb::helo, parse_helo, last_in_group, "HELO your.host.name"},
    {"STARTTLS", Verb::starttls, parse_nothing,
     needs_hello | not_in_transaction | last_in_group | no_arguments, "STARTTLS"},
    {"AUTH", Verb::auth, parse_auth, needs_hello | not_in_transaction | last_in_group,
     "AUTH PLAIN|LOGIN [initial-response]"},
    {"MAIL", Verb::mail, parse_mail, needs_hello | needs_login | not_in_transaction,
     "MAIL FROM:<your@address> [SIZE=octets] [BODY=7BIT|8BITMIME] [AUTH=<>] [RET=FULL|HDRS] "
     "[ENVID=xtext]"},
    {"RCPT", Verb::rcpt, parse_rcpt, needs_hello | needs_login | needs_mail,
     "RCPT TO:<their@address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=rfc822;their@address]"},
    {"DATA", Verb::data, parse_nothing,
     needs_hello | needs_login | needs_mail | needs_recipient | last_in_group | no_arguments,
     "DATA, then the message, then a line with one dot"},
    {"RSET", Verb::rset, parse_nothing, no_arguments, "RSET"},
    {"NOOP", Verb::noop, parse_text, last_in_group, "NOOP"},
    {"VRFY", Verb::vrfy, parse_vrfy, last_in_group, "VRFY their@address"},
    {"HELP", Verb::help, parse_text, last_in_group, "HELP [command]"},
    {"QUIT", Verb::quit, parse_nothing, last_in_group | no_arguments, "QUIT"},
    {"XQUEUE", Verb::xqueue, parse_nothing, submission_socket | last_in_group | no_arguments,
     "XQUEUE"},
    // clang-format on
});

// A line of bytes that are not text is told so before anybody looks for a verb in it.
std::optional<Say> bad_octets(std::string_view line) {
    for (const char c : line) {
        if (static_cast<unsigned char>(c) >= 0x80) return Say::non_ascii_in_command;
        if (!is_printable(c) && c != '\t') return Say::control_character_in_command;
    }
    return std::nullopt;
}

std::string_view verb_of(std::string_view line) {
    return line.substr(0, line.find_first_of(" \t:<"));
}

const CommandRow* find_command(std::string_view verb, const ParseContext& context) {
    for (const auto& row : kCommands)
        if (iequal(row.name, verb) && (context.submission_socket || !row.has(submission_socket)))
            return &row;
    return nullptr;
}

}  // namespace

std::span<const CommandRow> commands() {
    return kCommands;
}

std::expected<Command, Answer> parse_command(std::string_view line, const ParseContext& context) {
    const auto text = trim(line);
    const auto verb = verb_of(text);
    const bool long_one = iequal(verb, "AUTH");
    if (line.size() + 2 > (long_one ? kAuthLineMax : kCommandLineMax))
        return long_one ? refuse(Say::auth_line_too_long, {"12288"})
                        : refuse(Say::line_too_long, {"2048"});
    if (text.empty()) return refuse(Say::empty_line);
    if (const auto bad = bad_octets(text)) return refuse(*bad);
    const CommandRow* row = find_command(verb, context);
    if (row == nullptr) return Refused(teach(verb));
    std::string_view arguments = text.substr(verb.size());
    // RFC 5321, 4.1.1: a space parts a verb from its arguments ("MAIL:..." is a slip).
    if (!arguments.empty() && arguments.front() != ' ' && arguments.front() != '\t')
        return refuse(Say::slip, {text.substr(0, verb.size() + 1), row->syntax});
    arguments = trim(arguments);
    if (row->has(no_arguments) && !arguments.empty())
        return refuse(Say::no_arguments, {row->name, row->name});
    auto parsed = row->parse(arguments, context);
    if (!parsed) return Refused(std::move(parsed.error()));
    return Command{.row = row, .arguments = std::move(*parsed)};
}

}  // namespace veredus::smtp
