#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "spool/disk/sqlite.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// The only statements that change a state. There is one function for each state to come into, and
// it lets through what the tables in states.h allow; false when the table or the row says no, and
// then nothing changed. To be called within a transaction.
class Doors {
  public:
    explicit Doors(Database& database);

    // ---- messages ----

    // A new message without its recipients, of commit number `batch`. False when the id is taken.
    bool to_queued(const Envelope& envelope, std::uint64_t batch, std::size_t recipients);
    // One that was held or damaged.
    bool to_queued(mail::QueueId id);
    bool to_held(mail::QueueId id, std::string_view reason);
    bool to_damaged(mail::QueueId id, std::string_view reason);
    // Out of the queue with all its recipients; answers what it was. With `unfinished`: only when
    // exactly so many recipients are not finished yet by the message's own count.
    std::optional<Queued> leave(mail::QueueId id,
                                std::optional<std::int64_t> unfinished = std::nullopt);

    // ---- recipients ----

    // A new one, under this number.
    void to_ready(mail::QueueId message, std::uint32_t number, const Recipient& recipient);
    // Those of the message that wait, or that are held, to be tried at `next_attempt_us`; answers
    // how many.
    int waiting_to_ready(mail::QueueId message, std::int64_t next_attempt_us);
    int held_to_ready(mail::QueueId message, std::int64_t next_attempt_us);
    // Deferred or in doubt. A held recipient stays held, but the attempt is remembered.
    bool to_deferred(const Outcome& outcome);
    // Delivered, relayed, failed or expanded.
    bool to_finished(const Outcome& outcome);
    // All unfinished ones of the message.
    int to_held(mail::QueueId message);

    // The message's count of unfinished recipients changes by `difference`.
    void count_unfinished(mail::QueueId message, std::int64_t difference);

    // ---- the history of what is in the queue ----

    // What to_deferred() or to_finished() let through.
    void remember(const Outcome& outcome);
    // Takes all of it away, oldest first.
    std::vector<HistoryLine> forget(mail::QueueId message);

  private:
    bool move_message(mail::QueueId id, MessageState to, std::string_view reason);

    Statement insert_message_;
    Statement move_message_;
    Statement select_leaving_;
    Statement select_recipients_;
    Statement select_history_;
    Statement delete_message_;
    Statement delete_recipients_;
    Statement delete_history_;
    Statement insert_recipient_;
    Statement ready_recipients_;
    Statement defer_recipient_;
    Statement finish_recipient_;
    Statement hold_recipients_;
    Statement count_unfinished_;
    Statement insert_history_;
};

}  // namespace veredus::spool
