#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "spool/disk/sqlite.h"
#include "spool/ledger/ledger.h"
#include "spool/ledger/story.h"

namespace veredus::spool {

// Stories on their way out of the queue into the ledger. They are committed in queue.db together
// with the departures they end with, so that no message leaves without its story and none has two;
// then they are written to their day's file, at the place noted beside them, and go from here once
// that file is synced. Whatever a crash, or a disk without room, leaves of them there is written
// over from here: queue.db is the redo log of the ledger's end, and a departure needs no sync of
// its own. Statements run in the store's thread; publish() and synced() may be called by another.
class Departing {
  public:
    // `ledger` is the directory of the files.
    Departing(Database& database, std::unique_ptr<Directory> ledger);

    // ---- within a transaction, the first before all else ----
    void begin();
    void add(const Story& story);  // that has left
    void store();                  // throws DiskError, DatabaseError

    // ... which was committed, as part of this batch.
    void committed(std::uint64_t batch);
    // Batches up to this one are on disk: their lines go into the file. What cannot be written
    // there now stays here.
    void publish(std::uint64_t batch);

    // Files to be synced beside a batch, when enough has been written; empty otherwise. Then
    // synced() with what came of it.
    struct ToSync {
        Ledger::SyncSet files;
        std::uint64_t up_to = 0;  // rows
    };
    ToSync to_sync();
    void synced(const ToSync& set, bool good);

    // Whether settle() would have something to do.
    bool settled();
    // Brings all that is here to the ledger, for recovery and for quiet moments; all of it must be
    // on disk in queue.db and published. Does nothing while a batch is being synced. Says what was
    // in the way; then it is still here. Throws DatabaseError.
    std::optional<std::string> settle();

    // Removes the files of the days that were over at `before_us`. Throws DiskError.
    void forget(std::int64_t before_us);

  private:
    struct Place {
        std::string day;
        std::uint64_t offset = 0;
    };
    struct Line {
        std::uint64_t batch = 0;
        Place place;
        std::string text;
    };
    Place place_for(std::int64_t at_us);
    void note_end(const Place& place, std::uint64_t length);
    std::optional<std::string> write_again();

    std::mutex mutex_;
    Ledger ledger_;
    Statement insert_;
    Statement remove_;
    Statement select_;
    std::string lines_;                          // of the transaction under way
    std::int64_t last_left_us_ = 0;              // ... and when the last of its messages left
    Place place_;                                // ... and where they go
    std::map<std::string, std::uint64_t> ends_;  // day → where the next line is to begin
    std::deque<Line> unpublished_;               // committed, in their order
    std::uint64_t unsynced_ = 0;                 // bytes in the files
    std::uint32_t syncing_ = 0;                  // sets that to_sync() gave, not yet synced()
    // Numbers of rows: the last one committed, in the files, synced there; of those being removed,
    // removed.
    std::uint64_t last_ = 0;
    std::uint64_t published_ = 0;
    std::uint64_t synced_ = 0;
    std::uint64_t removing_ = 0;
    std::uint64_t removed_ = 0;
    bool behind_ = true;  // some rows' lines may not be in the files
};

}  // namespace veredus::spool
