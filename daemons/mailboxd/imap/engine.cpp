#include "daemons/mailboxd/imap/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/imap/feed.h"

namespace veredus::mailboxd::imap {

namespace {

// Answers gather up to here before they are sent.
constexpr std::size_t kGathered = 64 * 1024;

struct Refused {
    wire::Code code;
    std::string_view text;
};
// By MailboxRefusal.
constexpr std::array<Refused, 4> kRefusals{{
    {wire::Code::kNonExistent, "There is no such mailbox"},
    {wire::Code::kAlreadyExists, "There is such a mailbox already"},
    {wire::Code::kCannot, "That cannot be done with this mailbox"},
    {wire::Code::kCannot, "The name has inferior hierarchical names"},
}};

struct Row {
    wire::Verb verb;
    Handler handler;
};
constexpr auto kHandlers = std::to_array<Row>({
    {wire::Verb::kAppend, cmd_append},
    {wire::Verb::kCapability, cmd_capability},
    {wire::Verb::kCheck, cmd_check},
    {wire::Verb::kClose, cmd_close},
    {wire::Verb::kCopy, cmd_copy},
    {wire::Verb::kCreate, cmd_create},
    {wire::Verb::kDelete, cmd_delete},
    {wire::Verb::kEnable, cmd_enable},
    {wire::Verb::kExamine, cmd_examine},
    {wire::Verb::kExpunge, cmd_expunge},
    {wire::Verb::kFetch, cmd_fetch},
    {wire::Verb::kId, cmd_id},
    {wire::Verb::kIdle, cmd_idle},
    {wire::Verb::kList, cmd_list},
    {wire::Verb::kLogout, cmd_logout},
    {wire::Verb::kLsub, cmd_lsub},
    {wire::Verb::kMove, cmd_move},
    {wire::Verb::kNamespace, cmd_namespace},
    {wire::Verb::kNoop, cmd_noop},
    {wire::Verb::kRename, cmd_rename},
    {wire::Verb::kSearch, cmd_search},
    {wire::Verb::kSelect, cmd_select},
    {wire::Verb::kStatus, cmd_status},
    {wire::Verb::kStore, cmd_store},
    {wire::Verb::kSubscribe, cmd_subscribe},
    {wire::Verb::kUnselect, cmd_unselect},
    {wire::Verb::kUnsubscribe, cmd_unsubscribe},
});

}  // namespace

Handler handler_of(wire::Verb verb) {
    return std::ranges::find(kHandlers, verb, &Row::verb)->handler;
}

std::string completed(const wire::Command& command) {
    return std::string(command.spec->name) + " completed";
}

wire::Answer answer_of(spool::MailboxRefusal refusal, std::string_view what) {
    const auto& row = kRefusals[static_cast<std::size_t>(refusal)];
    return wire::no(fmt::format("{}: {}", what, row.text), row.code);
}

async::Task<> Engine::flush() {
    client.deadline(context.config.limits.idle);
    co_await client.flush();
}

async::Task<> Engine::flush_if_full() {
    if (client.unflushed() >= kGathered) co_await flush();
}

async::Task<bool> Engine::feed(wire::CommandReader& reader) {
    const bool fed = co_await wire::feed(reader, client, context.config.limits.idle);
    if (reader.need() == wire::CommandReader::Need::kClose) {
        put_status(wire::kUntagged,
                   wire::bye("That is too much to read for nothing", wire::Code::kTooBig));
        over = true;
    }
    co_return fed;
}

std::expected<spool::MailboxInfo, wire::Answer> Engine::selectable(std::string_view wire_name,
                                                                   wire::Code missing) {
    wire::NameError error{};
    const auto name = wire::mailbox_name(wire_name, error);
    if (!name) {
        return std::unexpected(wire::no(std::string(describe(error)), wire::Code::kNonExistent));
    }
    auto mailbox = store.find(name->utf8);
    if (!mailbox) return std::unexpected(wire::no("There is no such mailbox", missing));
    if (!mailbox->selectable) {
        return std::unexpected(
            wire::no("That name only leads to other mailboxes and holds no messages", missing));
    }
    return std::move(*mailbox);
}

std::expected<OpenMessage*, wire::Answer> Engine::open_message(std::int64_t content) {
    if (open && open->content == content) return &*open;
    open.reset();
    auto stored = store.open(content);
    if (!stored) {
        context.log.error("imap: user=<{}>: {}", context.user, stored.error());
        return std::unexpected(
            wire::no("A message is damaged on disk; ask the administrator to look at the log",
                     wire::Code::kCorruption));
    }
    open.emplace(OpenMessage{content, std::move(*stored), std::nullopt});
    return &*open;
}

}  // namespace veredus::mailboxd::imap
