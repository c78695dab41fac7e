#pragma once

#include <string_view>
#include <vector>

#include "spool/disk/sqlite.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// Between rows of queue.db and the structs of envelope.h.

inline constexpr std::string_view kMessageColumns =
    "id, state, reason, reverse_path, envelope_id, ret, body_type, body_file, "
    "body_offset, "
    "body_length, body_digest, body_sealed, client_name, client_address, protocol, auth_user, tls, "
    "message_id, "
    "priority, expires_us, delay_noticed, about";
Queued message_from(const Cursor& row);  // of kMessageColumns, without recipients

inline constexpr std::string_view kRecipientColumns =
    "number, state, next_attempt_us, attempts, notify, address, destination, original_recipient, "
    "expanded_from, last_status, last_reply, last_remote";
Recipient recipient_from(const Cursor& row, int first_column = 0);  // of kRecipientColumns

// What a list shows of them, without where the body's bytes stand and what only delivery needs.
inline constexpr std::string_view kListedColumns =
    "id, state, reason, reverse_path, body_file, body_length, client_name, client_address, "
    "auth_user, message_id, expires_us";
Queued listed_from(const Cursor& row);  // of kListedColumns
inline constexpr std::string_view kHistoryColumns =
    "at_us, recipient, state, address, status, reply, remote, tls";
HistoryLine history_from(const Cursor& row, mail::QueueId message);  // of kHistoryColumns
inline constexpr std::string_view kHistoryOfMessage =                // its one parameter
    "SELECT at_us, recipient, state, address, status, reply, remote, tls FROM history "
    "WHERE message = ?1 ORDER BY at_us, recipient";
std::vector<HistoryLine> history_of(Statement& select, mail::QueueId id);  // kHistoryOfMessage

// What the tables of queue.db say against each other, and SQLite's own findings.
std::vector<std::string> check_tables(Database& database);

inline constexpr std::string_view kBodyColumns =
    "body_file, body_offset, body_length, body_digest, body_sealed";
mail::BodyRef body_from(const Cursor& row, int first_column);  // of kBodyColumns

}  // namespace veredus::spool
