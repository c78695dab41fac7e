// STORE (RFC 3501 section 6.4.6).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

namespace {

// By StoreArguments::Change.
constexpr std::array<spool::FlagChange, 3> kChanges{
    spool::FlagChange::replace, spool::FlagChange::add, spool::FlagChange::remove};

}  // namespace

async::Task<wire::Answer> cmd_store(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::StoreArguments>(command.arguments);
    auto& view = *engine.view;
    if (view.read_only()) {
        co_return wire::no("The mailbox is selected read-only", wire::Code::kReadOnly);
    }
    const auto places = view.find(arguments.messages, command.spec->uid);
    if (!places) co_return places.error();
    // What others have done is told first: an answer that is left out by .SILENT hides only ours.
    engine.put(view.tell_changes(View::Expunges::kHold, command.spec->uid));

    const auto uids = view.uids(*places);
    auto changed = engine.store.change_flags(
        view.mailbox(), uids, kChanges[static_cast<std::size_t>(arguments.change)],
        to_store(arguments.flags.system), arguments.flags.keywords);
    std::ranges::sort(changed, {}, &spool::MessageRow::uid);
    for (const auto place : *places) {
        auto& row = view.row(place);
        const auto now = std::ranges::lower_bound(changed, row.uid, {}, &spool::MessageRow::uid);
        if (now != changed.end() && now->uid == row.uid) View::update(row, *now);
        std::string announcement;
        const auto flags = view.flags_of(row, announcement);
        engine.put(announcement);
        if (arguments.silent) continue;
        engine.put(command.spec->uid
                       ? fmt::format("* {} FETCH (UID {} FLAGS {})\r\n", View::number(place),
                                     row.uid, flags)
                       : fmt::format("* {} FETCH (FLAGS {})\r\n", View::number(place), flags));
        co_await engine.flush_if_full();
    }
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
