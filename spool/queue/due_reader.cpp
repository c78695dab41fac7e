#include "spool/queue/due_reader.h"

#include <fmt/core.h>

#include <utility>

#include "spool/queue/rows.h"

namespace veredus::spool {

DueReader::DueReader(QueueStore& store)
    : database_(Database::reader(store.database_)),
      select_due_(database_.prepare(
          fmt::format("SELECT message, {} FROM recipient INDEXED BY recipient_due "
                      "WHERE state BETWEEN 1 AND 3 AND next_attempt_us <= ?1 "
                      "AND (next_attempt_us, message, number) > (?2, ?3, ?4) "
                      "ORDER BY next_attempt_us, message, number LIMIT ?5",
                      kRecipientColumns))),
      select_next_due_(database_.prepare(
          "SELECT next_attempt_us FROM recipient INDEXED BY recipient_due "
          "WHERE state BETWEEN 1 AND 3 AND next_attempt_us > ?1 ORDER BY next_attempt_us LIMIT 1")),
      select_message_(
          database_.prepare(fmt::format("SELECT {} FROM message WHERE id = ?1", kMessageColumns))) {
}

std::vector<Due> DueReader::due(std::int64_t now_us, DueCursor& cursor, std::size_t limit) {
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

std::optional<std::int64_t> DueReader::next_due_us(std::int64_t after_us) {
    auto row = select_next_due_.query(after_us);
    if (!row.next()) return std::nullopt;
    return row.get<std::int64_t>(0);
}

std::optional<Envelope> DueReader::queued(mail::QueueId id) {
    auto row = select_message_.query(id.value());
    if (!row.next()) return std::nullopt;
    auto message = message_from(row);
    if (message.state != MessageState::kQueued) return std::nullopt;
    return std::move(message.envelope);
}

}  // namespace veredus::spool
