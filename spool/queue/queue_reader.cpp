#include "spool/queue/queue_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "spool/queue/filter_sql.h"
#include "spool/queue/rows.h"

namespace veredus::spool {
namespace {

// The ids of a filter's messages, in order and each once, above parameter 1 and not more than
// parameter 2. A filter that asks about recipients reads them in the order of their messages, and
// looks at a message only where its recipient fits.
std::string ids_sql(const mail::QueueFilter& filter, const FilterSql& sql) {
    if (!sql.asks_recipients()) {
        return fmt::format(
            "SELECT message.id FROM message WHERE message.id > ?1 AND {} ORDER BY message.id "
            "LIMIT ?2",
            sql.of_message());
    }
    const bool few = !filter.ids.empty();
    return fmt::format(
        "SELECT DISTINCT recipient.message FROM {} CROSS JOIN {} "
        "WHERE message.id = recipient.message AND recipient.message > ?1 AND "
        "recipient.state IN (1, 2, 3, 4) AND {} AND {} ORDER BY recipient.message LIMIT ?2",
        few ? "message" : "recipient", few ? "recipient" : "message", sql.of_recipient(),
        sql.of_message());
}

std::string list_sql(const mail::QueueFilter& filter, const FilterSql& sql,
                     std::string_view columns) {
    return fmt::format("SELECT {} FROM message WHERE {} ORDER BY id LIMIT ?2", columns,
                       sql.asks_recipients() ? fmt::format("id IN ({})", ids_sql(filter, sql))
                                             : fmt::format("id > ?1 AND {}", sql.of_message()));
}

constexpr int kFirstOfFilter = 3;
constexpr std::size_t kRecipientsAtOnce = 10'000;
constexpr std::int64_t kNoLimit = -1;

}  // namespace

QueueReader::QueueReader(QueueStore& store)
    : database_(Database::reader(store.database_)),
      select_recipients_(database_.prepare(fmt::format(
          "SELECT message, {} FROM recipient WHERE message >= ?1 ORDER BY message, number",
          kRecipientColumns))),
      select_history_(database_.prepare(kHistoryOfMessage)) {}

std::vector<std::string> QueueReader::check_tables() {
    return spool::check_tables(database_);
}

std::vector<QueueReader::BodyRow> QueueReader::bodies(mail::QueueId after, std::size_t limit) {
    auto select = database_.prepare(
        fmt::format("SELECT id, {} FROM message WHERE id > ?1 AND state <> ?2 ORDER BY id LIMIT ?3",
                    kBodyColumns));
    auto rows = select.query(after.value(), MessageState::kDamaged, limit);
    std::vector<BodyRow> found;
    while (rows.next())
        found.push_back({mail::QueueId(rows.get<std::uint64_t>(0)), body_from(rows, 1)});
    return found;
}

bool QueueReader::has(mail::QueueId id) {
    auto select = database_.prepare("SELECT 1 FROM message WHERE id = ?1");
    return select.query(id.value()).next();
}

bool QueueReader::Recipients::advance_to(std::int64_t message) {
    constexpr int kNear = 8;  // rows that are cheaper to pass over than to search anew
    for (int passed = 0; on_row_ && passed < kNear; ++passed) {
        if (rows_->get<std::int64_t>(0) >= message) return true;
        on_row_ = rows_->next();
    }
    if (on_row_ && rows_->get<std::int64_t>(0) >= message) return true;
    rows_.reset();
    rows_.emplace(select_.query(message));
    on_row_ = rows_->next();
    return on_row_;
}

std::vector<Recipient> QueueReader::Recipients::of(mail::QueueId message) {
    std::vector<Recipient> recipients;
    const auto id = static_cast<std::int64_t>(message.value());
    if (!advance_to(id)) return recipients;
    while (on_row_ && rows_->get<std::int64_t>(0) == id) {
        recipients.push_back(recipient_from(*rows_, 1));
        on_row_ = rows_->next();
    }
    return recipients;
}

std::vector<Queued> QueueReader::list(const mail::QueueFilter& filter, mail::QueueId after,
                                      std::size_t limit, bool with_history) {
    const FilterSql sql(filter, kFirstOfFilter);
    auto select =
        database_.prepare(list_sql(filter, sql, with_history ? kMessageColumns : kListedColumns));
    const ReadTransaction snapshot(database_);
    Recipients recipients(select_recipients_);
    std::vector<Queued> found;
    std::size_t recipients_found = 0;
    auto rows = sql.query(select, after.value(), limit);
    while (recipients_found < kRecipientsAtOnce && rows.next()) {
        found.push_back(with_history ? message_from(rows) : listed_from(rows));
        const auto id = found.back().envelope.id;
        found.back().recipients = recipients.of(id);
        recipients_found += found.back().recipients.size();
        if (with_history) found.back().history = history_of(select_history_, id);
    }
    return found;
}

std::vector<mail::QueueId> QueueReader::ids(const mail::QueueFilter& filter, mail::QueueId after,
                                            std::size_t limit) {
    const FilterSql sql(filter, kFirstOfFilter);
    auto select = database_.prepare(ids_sql(filter, sql));
    std::vector<mail::QueueId> ids;
    auto rows = sql.query(select, after.value(), limit);
    while (rows.next())
        ids.emplace_back(rows.get<std::uint64_t>(0));
    return ids;
}

std::uint64_t QueueReader::count(const mail::QueueFilter& filter) {
    const FilterSql sql(filter, kFirstOfFilter);
    auto select = database_.prepare(fmt::format("SELECT count(*) FROM ({})", ids_sql(filter, sql)));
    auto row = sql.query(select, mail::QueueId().value(), kNoLimit);
    row.next();
    return row.get<std::uint64_t>(0);
}

WaitingCounts QueueReader::waiting() {
    auto select = database_.prepare(
        "SELECT (SELECT count(*) FROM recipient INDEXED BY recipient_deferred "
        "WHERE state IN (2, 3)), "
        "(SELECT count(*) FROM message INDEXED BY message_held WHERE state IN (2, 3))");
    auto row = select.query();
    row.next();
    return {row.get<std::uint64_t>(0), row.get<std::uint64_t>(1)};
}

std::vector<ShapeRow> QueueReader::shape(By by, std::int64_t now_us) {
    auto select = database_.prepare(
        by == By::kDestination
            ? "SELECT message, destination FROM recipient WHERE state IN (1, 2, 3, 4)"
            : "SELECT id, lower(substr(reverse_path, 1 + instr(reverse_path, '@'))) FROM message");
    constexpr std::int64_t kMinute_us = 60'000'000;
    std::unordered_map<std::string, ShapeRow> by_domain;
    ShapeRow* row = nullptr;
    auto rows = select.query();
    while (rows.next()) {
        const auto domain = rows.get<std::string_view>(1);
        if (row == nullptr || row->domain != domain) {
            row = &by_domain[std::string(domain)];
            row->domain = domain;
        }
        const auto age_us = now_us - mail::QueueId(rows.get<std::uint64_t>(0)).arrival_us();
        const auto* const until = std::ranges::lower_bound(
            ShapeRow::kAges_min, age_us, {}, [](int minutes) { return minutes * kMinute_us; });
        ++row->total;
        ++row->by_age.at(static_cast<std::size_t>(until - ShapeRow::kAges_min.begin()));
    }
    std::vector<ShapeRow> shape;
    for (auto& [domain, counts] : by_domain)
        shape.push_back(std::move(counts));
    std::ranges::sort(shape, [](const ShapeRow& a, const ShapeRow& b) {
        return std::tuple(b.total, std::string_view(a.domain)) <
               std::tuple(a.total, std::string_view(b.domain));
    });
    return shape;
}

}  // namespace veredus::spool
