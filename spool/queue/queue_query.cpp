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

std::vector<HistoryLine> QueueStore::history(mail::QueueId id) {
    auto select = database_.prepare(kHistoryOfMessage);
    return history_of(select, id);
}

}  // namespace veredus::spool
