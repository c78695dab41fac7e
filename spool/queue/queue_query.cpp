// The looking half of QueueStore: nothing here changes anything.
#include "spool/queue/queue_store.h"
#include "spool/queue/rows.h"

namespace veredus::spool {

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
    auto select = database_.prepare(kHistoryOfMessage);
    return history_of(select, id);
}

}  // namespace veredus::spool
