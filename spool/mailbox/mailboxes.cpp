// Mailboxes as such: making, renaming, removing, subscribing (RFC 3501 6.3).
#include <algorithm>

#include "spool/mailbox/change.h"
#include "spool/mailbox/names.h"
#include "spool/mailbox/schema.h"
#include "spool/mailbox/statements.h"

namespace veredus::spool {
namespace {

struct Initial {
    std::string_view name;
    std::string_view special_use;
};
constexpr Initial kInitial[] = {{"INBOX", ""},          {"Archive", "\\Archive"},
                                {"Drafts", "\\Drafts"}, {"Junk", "\\Junk"},
                                {"Sent", "\\Sent"},     {"Trash", "\\Trash"}};

MailboxInfo info_of(const Cursor& row) {
    return {.id = row.get<std::int64_t>(0),
            .name = row.get<std::string>(1),
            .uid_validity = row.get<std::uint32_t>(2),
            .uid_next = row.get<std::uint32_t>(3),
            .highest_modseq = row.get<std::uint64_t>(4),
            .special_use = row.get<std::string>(5),
            .subscribed = row.get<bool>(7),
            .selectable = row.get<bool>(6)};
}

bool is_below(std::string_view name, std::string_view parent) {
    return name.size() > parent.size() && name.starts_with(parent) &&
           name[parent.size()] == kHierarchySeparator;
}

}  // namespace

MailboxStore::MailboxStore(std::unique_ptr<Directory> directory,
                           std::function<std::int64_t()> now_us)
    : directory_(std::move(directory)),
      now_us_(std::move(now_us)),
      database_(*directory_, "mailbox.db"),
      bodies_(directory_->open_directory("body")) {
    directory_->sync();  // the name "body"
    database_.migrate(kMailboxSchema);
    statements_ = std::make_unique<Statements>(database_);
    const bool database_is_new = !find("INBOX");
    recover_bodies(database_is_new);
    if (database_is_new) make_initial_mailboxes();
}

void MailboxStore::make_initial_mailboxes() {
    Change change(*this);
    for (const auto& [name, special_use] : kInitial) {
        insert_mailbox(name, special_use);
        subscribe(name, true);
    }
    change.commit();
}

MailboxStore::~MailboxStore() = default;

std::vector<MailboxInfo> MailboxStore::mailboxes() {
    std::vector<MailboxInfo> out;
    auto statement = database_.prepare("SELECT id FROM mailbox ORDER BY name <> 'INBOX', name");
    auto rows = statement.query();
    while (rows.next())
        out.push_back(*find(rows.get<std::int64_t>(0)));
    return out;
}

std::optional<MailboxInfo> MailboxStore::find(std::string_view name) {
    const std::string canonical = canonical_mailbox_name(name);
    auto row = statements_->mailbox_by_name.query(canonical);
    if (!row.next()) return std::nullopt;
    return info_of(row);
}

std::optional<MailboxInfo> MailboxStore::find(std::int64_t mailbox) {
    auto row = statements_->mailbox_by_id.query(mailbox);
    if (!row.next()) return std::nullopt;
    return info_of(row);
}

// Seconds since 1970 and never the same twice, so that a name used again gets a higher one (RFC
// 3501 2.3.1.1).
std::uint32_t MailboxStore::next_uid_validity() {
    const std::int64_t now = std::min<std::int64_t>(now_us_() / 1'000'000, 0x7FFF'0000);
    auto statement = database_.prepare(
        "INSERT INTO counter (name, value) VALUES ('uid_validity', ?1)"
        " ON CONFLICT (name) DO UPDATE SET value = max(value + 1, ?1) RETURNING value");
    auto row = statement.query(now);
    row.next();
    return row.get<std::uint32_t>(0);
}

MailboxInfo MailboxStore::insert_mailbox(std::string_view name, std::string_view special_use) {
    database_.prepare("INSERT INTO mailbox (name, uid_validity, special_use) VALUES (?1, ?2, ?3)")
        .run(name, next_uid_validity(), special_use);
    return *find(name);
}

std::expected<MailboxInfo, MailboxRefusal> MailboxStore::create(std::string_view given,
                                                                std::string_view special_use) {
    const std::string name = canonical_mailbox_name(given);
    if (!valid_mailbox_name(name)) return std::unexpected(MailboxRefusal::cannot);
    Change change(*this);
    const auto present = find(name);
    if (present && present->selectable) return std::unexpected(MailboxRefusal::already_exists);
    if (!special_use.empty()) {
        auto taken = database_.prepare("SELECT 1 FROM mailbox WHERE special_use = ?1");
        if (taken.query(special_use).next()) return std::unexpected(MailboxRefusal::cannot);
    }
    auto made = make_levels_and(name, special_use);
    change.commit();
    return made;
}

// A name that was only a level becomes a mailbox as new as any.
MailboxInfo MailboxStore::make_levels_and(std::string_view name, std::string_view special_use) {
    for (const auto& level : levels_above(name)) {
        if (!find(level)) insert_mailbox(level, "");
    }
    if (!find(name)) return insert_mailbox(name, special_use);
    database_
        .prepare(
            "UPDATE mailbox SET selectable = 1, uid_validity = ?2, uid_next = 1,"
            " first_recent = 1, special_use = ?3 WHERE name = ?1")
        .run(name, next_uid_validity(), special_use);
    return *find(name);
}

std::vector<std::uint32_t> MailboxStore::uids_of(std::int64_t mailbox) {
    std::vector<std::uint32_t> out;
    for (const auto& row : messages(mailbox))
        out.push_back(row.uid);
    return out;
}

std::expected<void, MailboxRefusal> MailboxStore::remove(std::string_view given) {
    const auto mailbox = find(given);
    if (!mailbox) return std::unexpected(MailboxRefusal::nonexistent);
    if (mailbox->name == "INBOX") return std::unexpected(MailboxRefusal::cannot);
    const auto all = mailboxes();
    const bool children =
        std::ranges::any_of(all, [&](const auto& m) { return is_below(m.name, mailbox->name); });
    if (children && !mailbox->selectable) return std::unexpected(MailboxRefusal::has_children);
    Change change(*this);
    remove_rows(mailbox->id, uids_of(mailbox->id));
    change.touches(mailbox->id);
    for (const auto* table : {"vanished", "keyword"})
        database_.prepare(std::string("DELETE FROM ") + table + " WHERE mailbox = ?1")
            .run(mailbox->id);
    if (children) {
        database_.prepare("UPDATE mailbox SET selectable = 0, special_use = '' WHERE id = ?1")
            .run(mailbox->id);
    } else {
        database_.prepare("DELETE FROM mailbox WHERE id = ?1").run(mailbox->id);
    }
    change.commit();
    return {};
}

std::expected<void, MailboxRefusal> MailboxStore::rename(std::string_view given_from,
                                                         std::string_view given_to) {
    const std::string to = canonical_mailbox_name(given_to);
    const auto from = find(given_from);
    if (!from) return std::unexpected(MailboxRefusal::nonexistent);
    if (find(to)) return std::unexpected(MailboxRefusal::already_exists);
    if (!valid_mailbox_name(to) || is_below(to, from->name))
        return std::unexpected(MailboxRefusal::cannot);
    Change change(*this);
    if (from->name == "INBOX") {
        const auto made = make_levels_and(to, "");
        remove_rows(from->id, copy_rows(from->id, uids_of(from->id), made.id).from);
        change.commit();
        return {};
    }
    for (const auto& level : levels_above(to)) {
        if (!find(level)) insert_mailbox(level, "");
    }
    auto set_name = database_.prepare("UPDATE mailbox SET name = ?2 WHERE id = ?1");
    for (const auto& mailbox : mailboxes()) {
        if (mailbox.id != from->id && !is_below(mailbox.name, from->name)) continue;
        set_name.run(mailbox.id, to + mailbox.name.substr(from->name.size()));
    }
    change.commit();
    return {};
}

void MailboxStore::subscribe(std::string_view given, bool subscribed) {
    const std::string name = canonical_mailbox_name(given);
    const char* sql = subscribed ? "INSERT OR IGNORE INTO subscription (name) VALUES (?1)"
                                 : "DELETE FROM subscription WHERE name = ?1";
    database_.prepare(sql).run(name);
}

std::vector<std::string> MailboxStore::subscriptions() {
    std::vector<std::string> out;
    auto statement =
        database_.prepare("SELECT name FROM subscription ORDER BY name <> 'INBOX', name");
    auto rows = statement.query();
    while (rows.next())
        out.push_back(rows.get<std::string>(0));
    return out;
}

MailboxStatus MailboxStore::status(std::int64_t mailbox) {
    auto statement = database_.prepare(
        "SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(size), 0),"
        " coalesce(sum(uid >= (SELECT first_recent FROM mailbox WHERE id = ?1)), 0) FROM message "
        "WHERE mailbox = ?1");
    auto row = statement.query(mailbox);
    row.next();
    return {.messages = row.get<std::uint32_t>(0),
            .recent = row.get<std::uint32_t>(3),
            .unseen = row.get<std::uint32_t>(1),
            .size = row.get<std::uint64_t>(2)};
}

std::uint32_t MailboxStore::claim_recent(std::int64_t mailbox) {
    auto statement = database_.prepare("SELECT first_recent, uid_next FROM mailbox WHERE id = ?1");
    auto row = statement.query(mailbox);
    if (!row.next()) return 1;
    const auto first = row.get<std::uint32_t>(0);
    if (first < row.get<std::uint32_t>(1))
        database_.prepare("UPDATE mailbox SET first_recent = uid_next WHERE id = ?1").run(mailbox);
    return first;
}

}  // namespace veredus::spool
