#include "spool/queue/rows.h"

#include <algorithm>

namespace veredus::spool {

mail::BodyRef body_from(const Cursor& row, int first_column) {
    mail::BodyRef body;
    body.file = row.get<std::uint64_t>(first_column);
    body.offset = row.get<std::uint64_t>(first_column + 1);
    body.length = row.get<std::uint64_t>(first_column + 2);
    const auto digest = row.get<Blob>(first_column + 3).bytes;
    std::copy_n(digest.begin(), std::min(digest.size(), body.digest.size()), body.digest.begin());
    body.sealed = row.get<std::uint32_t>(first_column + 4);
    return body;
}

Queued message_from(const Cursor& row) {
    Queued queued;
    auto& envelope = queued.envelope;
    int column = 0;
    envelope.id = mail::QueueId(row.get<std::uint64_t>(column++));
    queued.state = row.get<MessageState>(column++);
    queued.reason = row.get<std::string>(column++);
    envelope.reverse_path = row.get<std::string>(column++);
    envelope.envelope_id = row.get<std::string>(column++);
    envelope.ret = row.get<mail::Ret>(column++);
    envelope.body_type = row.get<mail::BodyType>(column++);
    envelope.body = body_from(row, column);
    column += 5;
    envelope.client.name = row.get<std::string>(column++);
    envelope.client.address = row.get<std::string>(column++);
    envelope.client.protocol = row.get<std::string>(column++);
    envelope.client.auth_user = row.get<std::string>(column++);
    envelope.client.tls = row.get<std::string>(column++);
    envelope.message_id = row.get<std::string>(column++);
    envelope.priority = row.get<std::int32_t>(column++);
    envelope.expires_us = row.get<std::int64_t>(column++);
    envelope.delay_noticed = row.get<bool>(column++);
    envelope.about = mail::QueueId(row.get<std::uint64_t>(column++));
    return queued;
}

Recipient recipient_from(const Cursor& row, int first_column) {
    Recipient recipient;
    int column = first_column;
    recipient.number = row.get<std::uint32_t>(column++);
    recipient.state = row.get<RecipientState>(column++);
    recipient.next_attempt_us = row.get<std::int64_t>(column++);
    recipient.attempts = row.get<std::uint32_t>(column++);
    recipient.notify = row.get<std::uint8_t>(column++);
    recipient.address = row.get<std::string>(column++);
    recipient.destination = row.get<std::string>(column++);
    recipient.original_recipient = row.get<std::string>(column++);
    recipient.expanded_from = row.get<std::string>(column++);
    recipient.last_status = row.get<std::string>(column++);
    recipient.last_reply = row.get<std::string>(column++);
    recipient.last_remote = row.get<std::string>(column++);
    return recipient;
}

Queued listed_from(const Cursor& row) {
    Queued queued;
    auto& envelope = queued.envelope;
    int column = 0;
    envelope.id = mail::QueueId(row.get<std::uint64_t>(column++));
    queued.state = row.get<MessageState>(column++);
    queued.reason = row.get<std::string>(column++);
    envelope.reverse_path = row.get<std::string>(column++);
    envelope.body.file = row.get<std::uint64_t>(column++);
    envelope.body.length = row.get<std::uint64_t>(column++);
    envelope.client.name = row.get<std::string>(column++);
    envelope.client.address = row.get<std::string>(column++);
    envelope.client.auth_user = row.get<std::string>(column++);
    envelope.message_id = row.get<std::string>(column++);
    envelope.expires_us = row.get<std::int64_t>(column++);
    return queued;
}

HistoryLine history_from(const Cursor& row, mail::QueueId message) {
    return {message,
            row.get<std::int64_t>(0),
            row.get<std::uint32_t>(1),
            row.get<RecipientState>(2),
            row.get<std::string>(3),
            row.get<std::string>(4),
            row.get<std::string>(5),
            row.get<std::string>(6),
            row.get<std::string>(7)};
}

std::vector<HistoryLine> history_of(Statement& select, mail::QueueId id) {
    std::vector<HistoryLine> lines;
    auto rows = select.query(id.value());
    while (rows.next())
        lines.push_back(history_from(rows, id));
    return lines;
}

}  // namespace veredus::spool
