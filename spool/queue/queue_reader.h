#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/mail/queue_filter.h"
#include "spool/disk/sqlite.h"
#include "spool/queue/envelope.h"
#include "spool/queue/queue_store.h"

namespace veredus::spool {

struct WaitingCounts {
    std::uint64_t deferred = 0;  // recipients: deferred or in doubt
    std::uint64_t held = 0;      // messages: held or damaged
};

// A line of the queue's shape: what waits, by where it goes or where it came from, and how long.
struct ShapeRow {
    // Upper ends of the ages counted, in minutes; what is older than the last has a count of its
    // own behind them.
    static constexpr std::array<int, 9> kAges_min{5, 10, 20, 40, 80, 160, 320, 640, 1280};
    std::string domain;  // empty: of the null sender
    std::uint64_t total = 0;
    std::array<std::uint64_t, kAges_min.size() + 1> by_age{};
};

// Looks at the queue on disk by a connection of its own: lists, counts and filters neither wait for
// commits nor hold them up. Each call sees the queue as some commit left it. For one thread at a
// time, which need not be the store's. Throws DatabaseError.
class QueueReader {
  public:
    explicit QueueReader(QueueStore& store);  // which must outlive this

    // Those of the filter with all of their recipients, oldest first, from the first id above
    // `after`: at most `limit`, and fewer where they have very many recipients; none: there are no
    // more. Without history an envelope holds what a list shows (kListedColumns).
    std::vector<Queued> list(const mail::QueueFilter& filter, mail::QueueId after,
                             std::size_t limit, bool with_history = false);
    // Their ids alone; fewer than `limit`: there are no more.
    std::vector<mail::QueueId> ids(const mail::QueueFilter& filter, mail::QueueId after,
                                   std::size_t limit);
    std::uint64_t count(const mail::QueueFilter& filter);  // messages
    WaitingCounts waiting();
    // What its tables say against each other; none: all is well.
    std::vector<std::string> check_tables();
    struct BodyRow {
        mail::QueueId id;
        mail::BodyRef body;
    };
    // Where the bodies of at most `limit` messages stand, from the first id above `after`; not of
    // those that are known to be damaged.
    std::vector<BodyRow> bodies(mail::QueueId after, std::size_t limit);
    bool has(mail::QueueId id);

    // By destination the recipients that wait are counted, by sender the messages; the most
    // numerous first.
    enum class By : std::uint8_t { kDestination, kSender };
    std::vector<ShapeRow> shape(By by, std::int64_t now_us);

  private:
    // Recipients in the order of their messages. Asked for messages one after the other it goes
    // on from row to row; only far jumps search anew.
    class Recipients {
      public:
        explicit Recipients(Statement& select) : select_(select) {}
        std::vector<Recipient> of(mail::QueueId message);

      private:
        bool advance_to(std::int64_t message);

        Statement& select_;
        std::optional<Cursor> rows_;
        bool on_row_ = false;
    };

    Database database_;
    Statement select_recipients_;
    Statement select_history_;
};

}  // namespace veredus::spool
