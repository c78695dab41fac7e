// APPEND (RFC 3501 section 6.3.11) with APPENDUID (RFC 4315 section 3).
#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "common/imap/feed.h"
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

// Why the message is not wanted, told before it comes where the client waits.
std::optional<wire::Answer> refusal_of(Engine& engine, const wire::AppendArguments& arguments,
                                       const std::expected<spool::MailboxInfo, wire::Answer>& to) {
    const auto size_max = engine.context.config.limits.message_size;
    if (!to) return to.error();
    if (arguments.message.size > size_max) {
        return wire::no(fmt::format("A message has at most {} octets here", size_max),
                        wire::Code::kTooBig);
    }
    if (arguments.message.size == 0) return wire::no("A message of no octets is none");
    return std::nullopt;
}

// Reads on to the end of the command, whose literal is still to come.
Task<wire::Answer> refuse(Engine& engine, wire::LiteralMark announced, wire::Answer answer) {
    auto reader = wire::CommandReader::after_refusal(
        wire::kLimitsAfterLogin, announced, wire::Refusal{std::string(wire::kUntagged), answer});
    while (reader.need() != wire::CommandReader::Need::kNothing) {
        const bool fed = co_await engine.feed(reader);
        if (fed) continue;
        engine.over = true;
        break;
    }
    co_return answer;
}

// The line after the message; an answer if there is more on it than its end.
Task<std::optional<wire::Answer>> end_of_command(Engine& engine) {
    engine.client.deadline(engine.context.config.limits.idle);
    const auto line = co_await engine.client.read_line(wire::kLimitsAfterLogin.line_octets_max);
    if (!line) {
        engine.over = true;
        co_return wire::bad("The command has no end");
    }
    if (line->fault == net::Line::Fault::none &&
        line->text.find_first_not_of(' ') == std::string_view::npos) {
        co_return std::nullopt;
    }
    const auto more = wire::literal_mark(line->text);
    const auto answer = wire::bad("Expected the end of the command after the message");
    if (more) co_return co_await refuse(engine, *more, answer);
    co_return answer;
}

}  // namespace

Task<wire::Answer> cmd_append(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::AppendArguments>(command.arguments);
    const auto to = engine.selectable(arguments.mailbox, wire::Code::kTryCreate);
    if (auto refusal = refusal_of(engine, arguments, to)) {
        co_return co_await refuse(engine, arguments.message, std::move(*refusal));
    }
    if (arguments.message.synchronizing) {
        engine.put("+ Ready for literal data\r\n");
        co_await engine.flush();
    }
    std::string message;
    message.reserve(arguments.message.size);
    const auto take = [&](std::string_view piece) { message += piece; };
    const bool whole = co_await wire::read_octets(engine.client, arguments.message.size,
                                                  engine.context.config.limits.idle, take);
    if (!whole) {
        engine.over = true;
        co_return wire::bad("The message has no end");
    }
    const auto wrong = co_await end_of_command(engine);
    if (wrong) co_return *wrong;

    // While the message came, the mailbox may have gone.
    if (!engine.store.find(to->id)) {
        co_return wire::no("There is no such mailbox", wire::Code::kTryCreate);
    }
    spool::NewMail mail;
    mail.text = message;
    mail.internal_date_us = arguments.date ? arguments.date->unix_seconds * 1'000'000
                                           : engine.context.loop.clock().wall_us();
    mail.zone_minutes = arguments.date ? arguments.date->zone_minutes : 0;
    mail.flags = to_store(arguments.flags.system);
    mail.keywords = arguments.flags.keywords;
    const auto uids = engine.store.append(to->id, std::span(&mail, 1));
    co_return wire::ok(completed(command), wire::Code::kAppendUid,
                       fmt::format("{} {}", to->uid_validity, uids.front()));
}

}  // namespace veredus::mailboxd::imap
