#pragma once

#include <string_view>

#include "spool/disk/sqlite.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// Between rows of queue.db and the structs of envelope.h.

inline constexpr std::string_view kMessageColumns =
    "id, state, reason, reverse_path, envelope_id, ret, body_type, body_file, "
    "body_offset, "
    "body_length, body_digest, client_name, client_address, protocol, auth_user, tls, message_id, "
    "priority, expires_us, delay_noticed, about";
Queued message_from(const Cursor& row);  // of kMessageColumns, without recipients

inline constexpr std::string_view kRecipientColumns =
    "number, state, next_attempt_us, attempts, notify, address, destination, original_recipient, "
    "expanded_from, last_status, last_reply, last_remote";
Recipient recipient_from(const Cursor& row, int first_column = 0);  // of kRecipientColumns

inline constexpr std::string_view kHistoryColumns =
    "at_us, recipient, state, address, status, reply, remote, tls";
HistoryLine history_from(const Cursor& row, mail::QueueId message);  // of kHistoryColumns

inline constexpr std::string_view kBodyColumns = "body_file, body_offset, body_length, body_digest";
mail::BodyRef body_from(const Cursor& row, int first_column);  // of kBodyColumns

}  // namespace veredus::spool
