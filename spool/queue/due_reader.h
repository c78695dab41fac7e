#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/mail/queue_id.h"
#include "spool/disk/sqlite.h"
#include "spool/queue/envelope.h"
#include "spool/queue/queue_store.h"

namespace veredus::spool {

// A recipient whose time has come.
struct Due {
    mail::QueueId message;
    Recipient recipient;
};
// Where a search for due recipients goes on.
struct DueCursor {
    std::int64_t next_attempt_us = 0;
    std::uint64_t message = 0;
    std::uint32_t number = 0;
    auto operator<=>(const DueCursor&) const = default;
};

// Looks for what is due by a connection of its own: that neither waits for commits nor holds them
// up. For one thread at a time, which need not be the store's. Throws DatabaseError.
class DueReader {
  public:
    explicit DueReader(QueueStore& store);  // which must outlive this

    // While it lives the reader sees the queue as it was when this was made; without it each call
    // sees what some commit left, synced or not.
    class Snapshot {
      public:
        explicit Snapshot(DueReader& reader) : transaction_(reader.database_) {}

      private:
        ReadTransaction transaction_;
    };

    // Recipients due at `now_us` and not before `cursor`, which moves on. Fewer than `limit`: there
    // are no more.
    std::vector<Due> due(std::int64_t now_us, DueCursor& cursor, std::size_t limit);
    // When the next one is due; nothing when none waits.
    std::optional<std::int64_t> next_due_us(std::int64_t after_us);
    // Nothing when the message is held, damaged or gone.
    std::optional<Envelope> queued(mail::QueueId id);

  private:
    Database database_;
    Statement select_due_;
    Statement select_next_due_;
    Statement select_message_;
};

}  // namespace veredus::spool
