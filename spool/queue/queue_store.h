#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spool/body/body_store.h"
#include "spool/body/horizon.h"
#include "spool/disk/side_by_side.h"
#include "spool/disk/sqlite.h"
#include "spool/queue/departing.h"
#include "spool/queue/doors.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// What is made durable together.
struct Batch {
    std::vector<NewMessage> ahead;     // from clients, who have their answer (Entrance)
    std::vector<NewMessage> arrivals;  // from clients, who wait for the answer
    std::vector<NewMessage> own;       // notifications, caused by outcomes of this batch
    std::vector<Outcome> outcomes;
    std::vector<mail::QueueId> delay_noticed;  // messages that one of `own` tells the delay of

    bool empty() const {
        return ahead.empty() && arrivals.empty() && own.empty() && outcomes.empty() &&
               delay_noticed.empty();
    }
};

enum class ArrivalResult : std::uint8_t {
    kAccepted,     // on disk: say 250
    kDuplicateId,  // the id is in the queue already
    kBodyLost,     // the body could not be brought to the disk; the envelope has been taken back
};

// A message that left the queue; its body is no longer needed.
struct Departure {
    mail::QueueId id;
    mail::BodyRef body;
};

// An outcome of a recipient that was gone or done: message and number.
using StaleOutcome = std::pair<mail::QueueId, std::uint32_t>;

struct Committed {
    std::vector<ArrivalResult> arrivals;  // in the order of Batch::arrivals
    // In the order of Batch::own. False: it was left out, because what it tells of had come to its
    // end otherwise (deleted, or given up by an administrator).
    std::vector<bool> own;
    std::vector<NewMessage> expansions;  // envelopes hold the id alone: recipients that entered
    std::vector<Departure> departures;
    std::vector<StaleOutcome> stale;
};

struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

struct Recovered {
    std::vector<mail::QueueId> adopted;  // acknowledged, and known from their segment alone
    std::vector<mail::QueueId> dropped;  // never acknowledged
    std::vector<std::pair<mail::QueueId, std::string>> damaged;
    std::vector<BodyFileFault> files;
    std::optional<std::string> ledger;  // why stories of departed messages are not in it yet
    Totals totals;
};

// The queue on disk: envelopes, recipients, schedule, history. The truth about what is in the queue
// and in which state; bodies are in a BodyStore, the stories of what has left in the ledger. One
// thread at a time. Throws DatabaseError; when it does, nothing of that call has happened.
class QueueStore {
  public:
    // Most pages change many times before that.
    static constexpr unsigned kCheckpointPages = 4000;
    // Where nobody asks wants_checkpoint(), the commit that comes so far does all of it.
    static constexpr unsigned kMostPages = 4 * kCheckpointPages;

    // Opens or makes the database in `directory`, which must outlive this, and the ledger below it.
    explicit QueueStore(Directory& directory, unsigned most_pages = kMostPages);

    // Once, before anything else: finds out what a crash left, adopts what is on disk in segments
    // alone, drops what was never acknowledged, marks what is damaged, and tells the body store
    // what is needed. `expire`: how long what is adopted is tried.
    Recovered recover(BodyStore& bodies, std::chrono::microseconds expire = kExpire);
    static constexpr std::chrono::hours kExpire{120};

    // A batch becomes durable in two steps, so that one is on its way to the disk while the next is
    // written. write() answers what has come of it; it counts when sync() has returned: then every
    // accepted arrival and every outcome is on disk, and a message all of whose recipients are
    // finished has left, and its story is
    // the ledger's (Departing). Of a batch of nothing but arrivals that recovery finds in their
    // segments (Horizon), those are synced alone; its rows come to the disk with a later one.
    struct Written {
        Committed committed;
        std::uint64_t batch = 0;
        bool recoverable = false;
        BodyStore::SyncSet bodies;
        Departing::ToSync ledger;
        // After sync(): arrivals in these are not on disk and never will be. take_back() must
        // follow before anybody is answered.
        std::vector<std::uint64_t> failed_files;
    };
    // `own_bodies` are synced first, since a verdict follows from them; `arrival_bodies` by sync():
    // here the system is only let begin with them. Throws also DiskError, when an own body cannot
    // be synced.
    Written write(const Batch& batch, BodyStore::SyncSet own_bodies,
                  BodyStore::SyncSet arrival_bodies);
    // The same for what takes long and is not urgent: `gives_way` is asked all along
    // (Interruptible), and when it says so nothing has happened and nothing is answered.
    using GivesWay = std::function<bool()>;
    std::optional<Written> write(const Batch& batch, BodyStore::SyncSet own_bodies,
                                 BodyStore::SyncSet arrival_bodies, GivesWay gives_way);
    // In the order of the writes; in any thread, also beside write() of a later batch. When it
    // throws, what the disk holds is found out by recovery alone.
    void sync(Written& written, const SideBySide& side_by_side);
    // With write() in one thread: those in failed_files leave the queue as if they never had been
    // in it, and `committed` says so.
    void take_back(const Batch& batch, Written& written);

    // What has gathered in the WAL is worth bringing over. In any thread.
    bool wants_checkpoint() const { return database_.wal_pages() >= kCheckpointPages; }
    // Most of it, in any thread, also beside write() and sync(): so that checkpoint_rest(), which
    // is called as write() is, takes little.
    void checkpoint_ahead();
    void checkpoint_rest();

    // Brings all rows to the disk, and tells the database that all bodies committed so far are
    // there: the mark moves up. For quiet moments.
    void note_durable();
    // Likewise, when segments have been closed that no commit has followed: what was written to
    // them and not committed is not adopted.
    void note_closed(const OpenSegments& still_open);
    // Brings all stories to the ledger's files, and removes those of the days that were over at
    // `forget_before_us`; for quiet moments. Says what the disk had against it: then they are still
    // in the database, and the next time may do it.
    std::optional<std::string> settle_ledger(std::int64_t forget_before_us);

    // When a shrink() is worth its while.
    struct Worth {
        std::uint64_t free = 64 << 20;  // bytes that come back
        std::uint64_t times = 4;        // as many as have to be written anew
        std::uint64_t most = 32 << 20;  // of the latter, which pass through memory
    };
    // Gives the file system what the rows of a large queue took that has left since, in a part of a
    // second; for quiet moments. Answers how many bytes: 0 where it is not worth it.
    std::uint64_t shrink(const Worth& worth);

    // ---- commands: each is one transaction, durable when it returns; they answer for which
    // messages it was done: not for those that are not there or whose state says no ----
    using Ids = std::span<const mail::QueueId>;
    std::vector<mail::QueueId> hold(Ids ids, std::string_view reason);
    std::vector<mail::QueueId> release(Ids ids, std::int64_t now_us);
    std::vector<mail::QueueId> retry(Ids ids, std::int64_t now_us);
    std::vector<Departure> remove(Ids ids, std::int64_t now_us);

    bool hold(mail::QueueId id, std::string_view reason) { return !hold({&id, 1}, reason).empty(); }
    bool release(mail::QueueId id, std::int64_t now_us) {
        return !release({&id, 1}, now_us).empty();
    }
    bool retry(mail::QueueId id, std::int64_t now_us) { return !retry({&id, 1}, now_us).empty(); }
    std::optional<Departure> remove(mail::QueueId id, std::int64_t now_us);
    bool mark_damaged(mail::QueueId id, std::string_view reason);

    // What is paused; pause() and resume() are durable when they return, and answer whether that
    // changed anything.
    std::vector<mail::Pause> pauses();
    bool pause(const mail::Pause& pause);
    bool resume(const mail::Pause& pause);

    // ---- looking; QueueReader and DueReader do more of it, beside this ----
    mail::QueueId newest_id();  // the highest that a message has; 0 when there is none
    std::optional<Queued> show(mail::QueueId id);
    std::optional<Queued> show_without_recipients(mail::QueueId id);
    std::vector<HistoryLine> history(mail::QueueId id);

    // Findings about the database and every message in it: tables, states, and (with `bodies`) all
    // bodies' digests. Empty when all is well.
    std::vector<std::string> check(const BodyStore* bodies);

    // What the database needs, by body file: how many messages.
    std::map<std::uint64_t, std::uint64_t> needed_files();

    // Every message with the state it was found in, for check() and for tests; bodies are read in
    // full. The body store must know the files.
    std::vector<std::pair<mail::QueueId, Found>> survey(const BodyStore& bodies);

  private:
    friend class DueReader;
    friend class QueueReader;
    friend class Repair;
    static bool still_true(const NewMessage& own, const Batch& batch, const Committed& committed);
    bool insert(const NewMessage& message, std::uint64_t batch);
    void commit(Transaction& transaction);
    Committed write_rows(const Batch& batch, const Horizon& horizon);
    static bool recoverable(const Batch& batch, const Horizon& horizon);
    void sync_rows(std::uint64_t batch);
    void write_mark(std::uint64_t durable, const Horizon& horizon);
    std::set<std::uint64_t> adopt(const BodyStore& bodies, std::chrono::microseconds expire,
                                  Recovered& recovered);
    static std::vector<const Outcome*> by_message(const std::vector<Outcome>& outcomes);
    void enter_ahead(const std::vector<NewMessage>& messages, std::uint64_t durable,
                     std::vector<const Outcome*>& sorted, Committed& committed);
    static std::optional<Queued> passed_through(const NewMessage& message,
                                                std::span<const Outcome* const> outcomes);
    void apply(std::span<const Outcome* const> sorted, Committed& committed);
    void apply_to_message(std::span<const Outcome* const> outcomes, Committed& committed);
    bool leaves(std::span<const Outcome* const> outcomes, std::int64_t finished,
                Committed& committed);
    std::int64_t expand(const Outcome& outcome, Committed& committed);
    std::vector<Recipient> recipients_of(mail::QueueId id);
    template <class Command>
    std::vector<mail::QueueId> each(Ids ids, Command command);
    struct BodyRow {
        mail::QueueId id;
        mail::BodyRef body;
    };
    struct Stock;
    Stock take_stock();
    std::vector<BodyRow> drop_bodiless(const std::vector<BodyRow>& in_doubt, BodyStore& bodies);
    void mark_lost_bodies(const BodyStore& bodies,
                          const std::map<std::uint64_t, std::uint64_t>& ends, Recovered& recovered);
    void find_dead(BodyStore& bodies, const std::map<std::uint64_t, std::uint64_t>& bytes);

    Database database_;
    Database checkpointer_;
    bool fresh_;  // the schema was made just now: the database cannot know of any body
    bool broken_ =
        false;  // what was not acknowledged could not be taken back: only a restart helps
    Doors doors_;
    std::unique_ptr<Directory> ledger_;
    Departing departing_;
    Statement write_mark_;
    Statement select_message_;
    Statement select_recipients_;
    Statement note_delay_;
    Horizon horizon_;
    std::uint64_t batch_ = 0;                      // the last one begun
    std::atomic<std::uint64_t> rows_on_disk_ = 0;  // up to this one
    std::atomic<std::uint64_t> durable_ = 0;  // the last one that is on disk with all its bodies
};

}  // namespace veredus::spool
