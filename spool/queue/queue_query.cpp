// The looking half of QueueStore: nothing here changes anything.
#include <fmt/core.h>

#include <variant>

#include "spool/queue/queue_store.h"
#include "spool/queue/rows.h"

namespace veredus::spool {
namespace {

using Value = std::variant<std::int64_t, std::string>;

// The conditions of a filter with their values, to be bound from parameter `first` on.
struct Conditions {
    std::string sql = "1";
    std::vector<Value> values;
    int next;

    explicit Conditions(int first) : next(first) {}

    // `condition` names its one parameter {}; it may do so twice.
    void add(std::string_view condition, Value value) {
        const std::string parameter = "?" + std::to_string(next++);
        sql += " AND ";
        for (std::size_t at = 0; at < condition.size(); ++at) {
            if (condition.substr(at, 2) == "{}") {
                sql += parameter;
                ++at;
            } else {
                sql += condition[at];
            }
        }
        values.push_back(std::move(value));
    }
    void add_number(std::string_view condition, std::int64_t value) { add(condition, value); }

    // An address, or "@domain" for all of a domain.
    void add_address(std::string_view whole, std::string_view domain, const std::string& address) {
        add(address.starts_with('@') ? domain : whole, address);
    }

    void bind(Statement& statement, int first) const {
        for (const auto& value : values) {
            std::visit([&](const auto& v) { statement.bind(first, v); }, value);
            ++first;
        }
    }
};

constexpr std::string_view kSomeRecipient =
    "EXISTS (SELECT 1 FROM recipient r WHERE r.message = message.id AND ";

std::int64_t id_from_time(std::int64_t us) {
    return us << 12;
}

Conditions conditions_of(const Filter& f, int first) {
    Conditions c(first);
    const std::string some(kSomeRecipient);
    if (f.sender) {
        c.add_address("reverse_path = {} COLLATE NOCASE",
                      "substr(reverse_path, -length({})) = {} COLLATE NOCASE", *f.sender);
    }
    if (f.recipient) {
        c.add_address(some + "r.state <= 4 AND r.address = {} COLLATE NOCASE)",
                      some + "r.state <= 4 AND substr(r.address, -length({})) = {} COLLATE NOCASE)",
                      *f.recipient);
    }
    if (f.destination) {
        c.add(some + "r.state <= 4 AND r.destination = {} COLLATE NOCASE)", *f.destination);
    }
    if (f.arrived_before_us) c.add_number("id < {}", id_from_time(*f.arrived_before_us));
    if (f.arrived_after_us) c.add_number("id >= {}", id_from_time(*f.arrived_after_us));
    if (f.larger_than) c.add_number("body_length > {}", static_cast<std::int64_t>(*f.larger_than));
    if (f.smaller_than) {
        c.add_number("body_length < {}", static_cast<std::int64_t>(*f.smaller_than));
    }
    if (f.state) c.add_number("state = {}", static_cast<std::int64_t>(*f.state));
    if (f.recipient_state) {
        c.add_number(some + "r.state = {})", static_cast<std::int64_t>(*f.recipient_state));
    }
    if (f.reply_contains) {
        c.add("(instr(lower(reason), lower({})) > 0 OR " + some +
                  "instr(lower(r.last_reply), lower({})) > 0))",
              *f.reply_contains);
    }
    return c;
}

}  // namespace

std::optional<Queued> QueueStore::show_without_recipients(mail::QueueId id) {
    auto row = select_message_.query(id.value());
    if (!row.next()) return std::nullopt;
    return message_from(row);
}

std::optional<Queued> QueueStore::show(mail::QueueId id) {
    auto queued = show_without_recipients(id);
    if (queued) queued->recipients = recipients_of(id);
    return queued;
}

std::vector<Queued> QueueStore::list(const Filter& filter, mail::QueueId after, std::size_t limit) {
    constexpr int kFirst = 3;
    const auto conditions = conditions_of(filter, kFirst);
    auto statement = database_.prepare(
        fmt::format("SELECT {} FROM message WHERE id > ?1 AND {} ORDER BY id LIMIT ?2",
                    kMessageColumns, conditions.sql));
    statement.bind(1, after.value());
    statement.bind(2, limit);
    conditions.bind(statement, kFirst);
    std::vector<Queued> found;
    auto rows = statement.rows();
    while (rows.next()) {
        found.push_back(message_from(rows));
        found.back().recipients = recipients_of(found.back().envelope.id);
    }
    return found;
}

Totals QueueStore::count(const Filter& filter) {
    const auto conditions = conditions_of(filter, 1);
    auto statement = database_.prepare(
        "SELECT count(*), sum(unfinished), sum(body_length) FROM message WHERE " + conditions.sql);
    conditions.bind(statement, 1);
    auto row = statement.rows();
    row.next();
    return {row.get<std::uint64_t>(0), row.get<std::uint64_t>(1), row.get<std::uint64_t>(2)};
}

std::vector<Due> QueueStore::due(std::int64_t now_us, DueCursor& cursor, std::size_t limit) {
    std::vector<Due> due;
    auto rows =
        select_due_.query(now_us, cursor.next_attempt_us, cursor.message, cursor.number, limit);
    while (rows.next()) {
        due.push_back({mail::QueueId(rows.get<std::uint64_t>(0)), recipient_from(rows, 1)});
    }
    if (!due.empty()) {
        const auto& last = due.back();
        cursor = {last.recipient.next_attempt_us, last.message.value(), last.recipient.number};
    }
    return due;
}

std::optional<std::int64_t> QueueStore::next_due_us(std::int64_t after_us) {
    auto row = select_next_due_.query(after_us);
    if (!row.next()) return std::nullopt;
    return row.get<std::int64_t>(0);
}

std::vector<HistoryLine> QueueStore::history(mail::QueueId id) {
    auto statement = database_.prepare(fmt::format(
        "SELECT {} FROM history WHERE message = ?1 ORDER BY at_us, recipient", kHistoryColumns));
    std::vector<HistoryLine> lines;
    auto rows = statement.query(id.value());
    while (rows.next())
        lines.push_back(history_from(rows, id));
    return lines;
}

}  // namespace veredus::spool
