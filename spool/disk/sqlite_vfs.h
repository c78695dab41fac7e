#pragma once

#include <sqlite3.h>

#include <string>

#include "spool/disk/disk.h"

namespace veredus::spool {

// SQLite's file system (https://www.sqlite.org/vfs.html) over a Directory: whatever SQLite does to
// its files goes through it. Without shared memory, so WAL works in exclusive locking mode alone.
// Registered with SQLite while it lives; must outlive every connection that uses it.
class SqliteVfs {
  public:
    explicit SqliteVfs(Directory& directory);
    ~SqliteVfs();
    SqliteVfs(const SqliteVfs&) = delete;
    SqliteVfs& operator=(const SqliteVfs&) = delete;

    const char* name() const { return name_.c_str(); }

  private:
    std::string name_;
    sqlite3_vfs vfs_{};
};

}  // namespace veredus::spool
