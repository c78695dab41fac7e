// FETCH (RFC 3501 section 6.4.5).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "daemons/mailboxd/imap/engine.h"
#include "daemons/mailboxd/imap/fetch_data.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

using Data = wire::FetchItem::Data;

// Messages that are marked as read together, in one commit, before they are sent.
constexpr std::size_t kGroupSize = 64;

wire::FetchItem plain(Data data, std::string name) {
    wire::FetchItem item;
    item.data = data;
    item.name = std::move(name);
    return item;
}

// What is said of each message. UID FETCH says the UID, and says it first: clients rely on it.
std::vector<wire::FetchItem> items_of(const wire::FetchArguments& arguments, bool uid) {
    auto items = arguments.items;
    if (!uid) return items;
    std::erase_if(items, [](const wire::FetchItem& item) { return item.data == Data::kUid; });
    items.insert(items.begin(), plain(Data::kUid, "UID"));
    return items;
}

// Messages of a group as the store has them now, by UID; those that have gone are missing.
struct Group {
    std::map<std::uint32_t, spool::MessageRow> rows;
    std::vector<std::uint32_t> newly_seen;
};

Group group_of(Engine& engine, std::span<const std::size_t> places, bool set_seen) {
    Group group;
    auto& view = *engine.view;
    std::vector<std::uint32_t> unseen;
    for (const auto place : places) {
        const auto uid = view.row(place).uid;
        auto row = engine.store.message(view.mailbox(), uid);
        if (!row) continue;
        if ((row->flags & spool::kSeen) == 0) unseen.push_back(uid);
        group.rows.emplace(uid, std::move(*row));
    }
    if (!set_seen || unseen.empty()) return group;
    for (auto& row : engine.store.change_flags(view.mailbox(), unseen, spool::FlagChange::add,
                                               spool::kSeen, {})) {
        group.newly_seen.push_back(row.uid);
        group.rows[row.uid] = std::move(row);
    }
    return group;
}

// "* 12 FETCH (...)"
Task<bool> put_message(Engine& engine, std::size_t place, spool::MessageRow row,
                       const std::vector<wire::FetchItem>& items, bool tell_flags) {
    auto& known = engine.view->row(place);
    const bool has_flags =
        std::ranges::find(items, Data::kFlags, &wire::FetchItem::data) != items.end();
    Fetched message{std::move(row), {}, false};
    if (has_flags || tell_flags) {
        View::update(known, message.row);
        std::string announcement;
        message.flags = engine.view->flags_of(known, announcement);
        engine.put(announcement);
    }
    engine.put(fmt::format("* {} FETCH (", View::number(place)));
    bool first = true;
    for (const auto& item : items) {
        if (!std::exchange(first, false)) engine.put(" ");
        co_await put_item(engine, item, message);
    }
    if (tell_flags && !has_flags) engine.put(" FLAGS " + message.flags);
    engine.put(")\r\n");
    co_return !message.damaged;
}

}  // namespace

Task<wire::Answer> cmd_fetch(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::FetchArguments>(command.arguments);
    const auto places = engine.view->find(arguments.messages, command.spec->uid);
    if (!places) co_return places.error();
    const auto items = items_of(arguments, command.spec->uid);
    const bool set_seen =
        !engine.view->read_only() &&
        std::ranges::find(items, true, &wire::FetchItem::sets_seen) != items.end();
    bool gone = false;
    bool damaged = false;
    for (std::size_t begin = 0; begin < places->size(); begin += kGroupSize) {
        const std::size_t count = std::min(kGroupSize, places->size() - begin);
        const std::span<const std::size_t> group_places(places->data() + begin, count);
        const auto group = group_of(engine, group_places, set_seen);
        for (const auto place : group_places) {
            const auto row = group.rows.find(engine.view->row(place).uid);
            if (row == group.rows.end()) {
                gone = true;
                continue;
            }
            const bool seen_now =
                std::ranges::find(group.newly_seen, row->first) != group.newly_seen.end();
            const bool whole = co_await put_message(engine, place, row->second, items, seen_now);
            damaged = damaged || !whole;
            co_await engine.flush_if_full();
        }
    }
    if (damaged) {
        co_return wire::no("Some messages are damaged on disk", wire::Code::kCorruption);
    }
    // RFC 2180 section 4.1.2; UIDs that do not exist are passed over.
    if (gone && !command.spec->uid) {
        co_return wire::no("Some messages have been expunged", wire::Code::kExpungeIssued);
    }
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
