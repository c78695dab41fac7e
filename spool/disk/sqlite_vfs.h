#pragma once

#include <sqlite3.h>

#include <string>
#include <utility>

#include "spool/disk/disk.h"
#include "spool/disk/sqlite_connections.h"
#include "spool/disk/wal_file.h"

namespace veredus::spool {

// File controls of ours (sqlite.org/c3ref/file_control.html). Of a WAL, once: commits are synced on
// request alone; once a sync has failed, SQLite's own before a checkpoint among them, every later
// one fails, and so nothing is brought from the WAL into the main file any more: what the WAL has
// lost would be missing beside it.
inline constexpr int kSyncOnRequest = 0x56440000;
// All commits in it are on disk when this returns SQLITE_OK. In any thread, also while another one
// writes.
inline constexpr int kSyncCommitted = 0x56440001;
// The main file's: all of it is on disk when this returns SQLITE_OK, a portion at a time
// (File::sync_ahead), so that commits do not wait for all of it.
inline constexpr int kSyncInPortions = 0x56440002;

// SQLite's file system (https://www.sqlite.org/vfs.html) over a Directory: whatever SQLite does to
// its files goes through it. Registered with SQLite while it lives; must outlive every connection
// that uses it.
class SqliteVfs {
  public:
    enum class Locks : std::uint8_t {
        // The first connection keeps other processes out; those that follow come from this one and
        // must end before it. WAL works, its index lies in this process's memory.
        kOwned,
        // Processes take turns by locks on the file. No shared memory, so no WAL.
        kBetweenProcesses,
    };

    SqliteVfs(Directory& directory, Locks locks);
    ~SqliteVfs();
    SqliteVfs(const SqliteVfs&) = delete;
    SqliteVfs& operator=(const SqliteVfs&) = delete;

    const char* name() const { return name_.c_str(); }

    // Of the database file, under kOwned.
    SqliteConnections& connections() { return connections_; }
    WalSyncs& wal_syncs() { return wal_syncs_; }
    Directory& directory() { return directory_; }
    Locks locks() const { return locks_; }
    // True for the first: SQLite opens it with the database locked, and nobody here reads or writes
    // it yet.
    bool opens_first_wal() { return !std::exchange(wal_opened_, true); }

  private:
    Directory& directory_;
    Locks locks_;
    SqliteConnections connections_;
    WalSyncs wal_syncs_;
    bool wal_opened_ = false;
    std::string name_;
    sqlite3_vfs vfs_{};
};

}  // namespace veredus::spool
