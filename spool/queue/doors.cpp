#include "spool/queue/doors.h"

#include <fmt/core.h>

#include "spool/queue/rows.h"

namespace veredus::spool {
namespace {

// What the tables allow, in the shape the statements ask for: bit n of the number for state n.
std::uint32_t sources(MessageState to) {
    return sources_of(kMessageMoves, to);
}
std::uint32_t sources(RecipientState to) {
    return sources_of(kRecipientMoves, to);
}
constexpr std::uint32_t only(RecipientState state) {
    return 1U << static_cast<unsigned>(state);
}

constexpr std::string_view kInsertMessage = R"sql(
    INSERT INTO message (id, state, batch, unfinished, body_file, body_offset, body_length,
        body_digest, body_type, ret, priority, expires_us, delay_noticed, about, reverse_path,
        envelope_id, message_id, client_name, client_address, protocol, auth_user, tls,
        body_sealed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21, ?22, ?23)
    ON CONFLICT (id) DO NOTHING)sql";
constexpr std::string_view kMoveMessage = R"sql(
    UPDATE message SET state = ?2, reason = ?3 WHERE id = ?1 AND (?4 >> state) & 1)sql";
// Selected first, then deleted: RETURNING would make a table of its own for every message.
constexpr std::string_view kSelectLeaving =
    "SELECT {} FROM message WHERE id = ?1 AND (?2 >> state) & 1 "
    "AND unfinished = coalesce(?3, unfinished)";
constexpr std::string_view kInsertRecipient = R"sql(
    INSERT INTO recipient (message, number, state, next_attempt_us, attempts, notify, address,
        destination, original_recipient, expanded_from, last_status, last_reply, last_remote)
    VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, '', '', ''))sql";
constexpr std::string_view kReadyRecipients = R"sql(
    UPDATE recipient SET state = ?2, next_attempt_us = ?3
    WHERE message = ?1 AND (?4 >> state) & 1)sql";
// What may not move to the new state keeps its own, but the attempt, if it was one, is remembered.
constexpr std::string_view kDeferRecipient = R"sql(
    UPDATE recipient SET state = iif((?3 >> state) & 1, ?4, state), next_attempt_us = ?5,
        attempts = attempts + ?10, last_status = ?6, last_reply = ?7, last_remote = ?8
    WHERE message = ?1 AND number = ?2 AND (?9 >> state) & 1)sql";
constexpr std::string_view kFinishRecipient = R"sql(
    UPDATE recipient SET state = ?4, attempts = attempts + 1, last_status = ?5, last_reply = ?6,
        last_remote = ?7
    WHERE message = ?1 AND number = ?2 AND (?3 >> state) & 1)sql";
constexpr std::string_view kHoldRecipients = R"sql(
    UPDATE recipient SET state = ?2 WHERE message = ?1 AND (?3 >> state) & 1)sql";
constexpr std::string_view kInsertHistory = R"sql(
    INSERT OR REPLACE INTO history
    SELECT ?1, ?3, ?2, ?4, address, ?5, ?6, ?7, ?8
    FROM recipient WHERE message = ?1 AND number = ?2)sql";

}  // namespace

Doors::Doors(Database& database)
    : insert_message_(database.prepare(kInsertMessage)),
      move_message_(database.prepare(kMoveMessage)),
      select_leaving_(database.prepare(fmt::format(kSelectLeaving, kMessageColumns))),
      select_recipients_(database.prepare(
          fmt::format("SELECT {} FROM recipient WHERE message = ?1", kRecipientColumns))),
      select_history_(database.prepare(fmt::format(
          "SELECT {} FROM history WHERE message = ?1 ORDER BY at_us, recipient", kHistoryColumns))),
      delete_message_(database.prepare("DELETE FROM message WHERE id = ?1")),
      delete_recipients_(database.prepare("DELETE FROM recipient WHERE message = ?1")),
      delete_history_(database.prepare("DELETE FROM history WHERE message = ?1")),
      insert_recipient_(database.prepare(kInsertRecipient)),
      ready_recipients_(database.prepare(kReadyRecipients)),
      defer_recipient_(database.prepare(kDeferRecipient)),
      finish_recipient_(database.prepare(kFinishRecipient)),
      hold_recipients_(database.prepare(kHoldRecipients)),
      count_unfinished_(
          database.prepare("UPDATE message SET unfinished = unfinished + ?2 WHERE id = ?1")),
      insert_history_(database.prepare(kInsertHistory)) {}

bool Doors::to_queued(const Envelope& e, std::uint64_t batch, std::size_t recipients) {
    static_assert(sources_of(kMessageMoves, MessageState::kQueued) & 1U, "a new message is queued");
    return insert_message_.run(e.id.value(), MessageState::kQueued, batch, recipients, e.body.file,
                               e.body.offset, e.body.length, Blob{e.body.digest}, e.body_type,
                               e.ret, e.priority, e.expires_us, e.delay_noticed, e.about.value(),
                               e.reverse_path, e.envelope_id, e.message_id, e.client.name,
                               e.client.address, e.client.protocol, e.client.auth_user,
                               e.client.tls, e.body.sealed) == 1;
}

bool Doors::move_message(mail::QueueId id, MessageState to, std::string_view reason) {
    return move_message_.run(id.value(), to, reason, sources(to)) == 1;
}

bool Doors::to_queued(mail::QueueId id) {
    return move_message(id, MessageState::kQueued, "");
}

bool Doors::to_held(mail::QueueId id, std::string_view reason) {
    return move_message(id, MessageState::kHeld, reason);
}

bool Doors::to_damaged(mail::QueueId id, std::string_view reason) {
    return move_message(id, MessageState::kDamaged, reason);
}

std::optional<Queued> Doors::leave(mail::QueueId id, std::optional<std::int64_t> unfinished) {
    std::optional<Queued> gone;
    {
        auto row = select_leaving_.query(id.value(), sources(MessageState::kNone), unfinished);
        if (!row.next()) return std::nullopt;
        gone = message_from(row);
    }
    {
        auto rows = select_recipients_.query(id.value());
        while (rows.next())
            gone->recipients.push_back(recipient_from(rows));
    }
    delete_recipients_.run(id.value());
    delete_message_.run(id.value());
    return gone;
}

void Doors::to_ready(mail::QueueId message, std::uint32_t number, const Recipient& r) {
    static_assert(sources_of(kRecipientMoves, RecipientState::kReady) & 1U,
                  "a new recipient is ready");
    insert_recipient_.run(message.value(), number, RecipientState::kReady, r.next_attempt_us,
                          r.notify, r.address, r.destination, r.original_recipient,
                          r.expanded_from);
}

int Doors::waiting_to_ready(mail::QueueId message, std::int64_t next_attempt_us) {
    const auto from = sources(RecipientState::kReady) & ~only(RecipientState::kHeld);
    return ready_recipients_.run(message.value(), RecipientState::kReady, next_attempt_us, from);
}

int Doors::held_to_ready(mail::QueueId message, std::int64_t next_attempt_us) {
    const auto from = sources(RecipientState::kReady) & only(RecipientState::kHeld);
    return ready_recipients_.run(message.value(), RecipientState::kReady, next_attempt_us, from);
}

bool Doors::to_deferred(const Outcome& o) {
    const auto allowed = sources(o.state);
    return defer_recipient_.run(o.message.value(), o.recipient, allowed, o.state, o.next_attempt_us,
                                o.status, o.reply, o.remote, allowed | only(RecipientState::kHeld),
                                o.tried) == 1;
}

bool Doors::to_finished(const Outcome& o) {
    return finish_recipient_.run(o.message.value(), o.recipient, sources(o.state), o.state,
                                 o.status, o.reply, o.remote) == 1;
}

int Doors::to_held(mail::QueueId message) {
    return hold_recipients_.run(message.value(), RecipientState::kHeld,
                                sources(RecipientState::kHeld));
}

void Doors::count_unfinished(mail::QueueId message, std::int64_t difference) {
    if (difference != 0) count_unfinished_.run(message.value(), difference);
}

void Doors::remember(const Outcome& o) {
    insert_history_.run(o.message.value(), o.recipient, o.at_us, o.state, o.status, o.reply,
                        o.remote, o.tls);
}

std::vector<HistoryLine> Doors::forget(mail::QueueId message) {
    std::vector<HistoryLine> lines;
    {
        auto rows = select_history_.query(message.value());
        while (rows.next())
            lines.push_back(history_from(rows, message));
    }
    delete_history_.run(message.value());
    return lines;
}

}  // namespace veredus::spool
