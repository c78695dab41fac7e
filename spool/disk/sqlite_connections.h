#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace veredus::spool {

// What the connections of one process share of a database that the process owns: SQLite's locks on
// the file, and the WAL's index with its locks. Between processes that would be locks on ranges of
// bytes and shared memory; here it is this object. Any thread.
class SqliteConnections {
  public:
    static constexpr std::size_t kIndexLocks = 8;  // SQLITE_SHM_NLOCK

    // What one connection holds of the index's locks, a bit for each.
    struct Held {
        std::uint8_t shared = 0;
        std::uint8_t exclusive = 0;
    };

    // The first connection owns the file for all: `keep_others_out` locks it against other
    // processes until that connection closes it. False when another process has it.
    bool own(const void* connection, const std::function<bool()>& keep_others_out);
    // `connection` has closed; after the owner the index is gone too, as all others ended before.
    void disown(const void* connection);

    // ---- the levels of lock on the file (SQLITE_LOCK_*, sqlite.org/lockingv3.html) ----

    // `connection` goes from one level to a higher one; false, with nothing changed, when another
    // one is in the way.
    bool raise(const void* connection, int from, int to);
    void lower(int from, int to);
    bool reserved();  // somebody is about to write

    // ---- the WAL's index (sqlite.org/walformat.html, 2) ----

    // Its part number `index`, of `size` bytes; null when it is not there and not to be made.
    volatile void* part(std::size_t index, std::size_t size, bool make);
    // `flags`: SQLITE_SHM_LOCK or SQLITE_SHM_UNLOCK, with SQLITE_SHM_SHARED or
    // SQLITE_SHM_EXCLUSIVE. False when another connection is in the way.
    bool lock(Held& held, int first, int count, int flags);

  private:
    static constexpr int kExclusive = -1;

    std::mutex mutex_;
    const void* owner_ = nullptr;
    int readers_ = 0;               // connections at SHARED or more
    const void* writer_ = nullptr;  // at RESERVED or more
    bool alone_ = false;            // the writer is at EXCLUSIVE
    std::vector<std::unique_ptr<std::byte[]>> parts_;
    std::array<int, kIndexLocks> index_locks_{};  // how many share it, or kExclusive
};

}  // namespace veredus::spool
