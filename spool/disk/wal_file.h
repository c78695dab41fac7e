#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "spool/disk/disk.h"

namespace veredus::spool {

// What the connections to one WAL know of its syncs.
struct WalSyncs {
    std::mutex one_at_a_time;
    // Commits no longer wait for a sync. So a sync that fails leaves out some that SQLite counts
    // on, and since the kernel says that once, and takes them for written from then on, no later
    // sync succeeds.
    bool on_request = false;
    bool failed = false;
};

// SQLite appends to its write-ahead log a frame at a time, the head of 24 bytes and the page apart
// (sqlite.org/fileformat2.html, 4.1). Here the frames of a commit gather and go into the file in
// one write, with the last of them: before SQLite tells its other connections of them, so that
// nobody looks for what is not in the file yet. One thread writes; `file` and `syncs` must outlive
// this. All throw DiskError.
class WalFile {
  public:
    WalFile(File& file, WalSyncs& syncs) : file_(file), syncs_(syncs) {}

    // One write of SQLite's.
    void write(std::uint64_t offset, std::string_view bytes);
    // What has gathered goes into the file: before anything is read from it, and before its size
    // counts.
    void flush();

    // Calls `sync`, which brings the file to the disk; one caller at a time, in any thread, also
    // beside write().
    void sync(const std::function<void()>& sync);
    void sync_on_request() { syncs_.on_request = true; }

  private:
    static constexpr std::size_t kFrameHead = 24;
    // A commit larger than this goes in several writes.
    static constexpr std::size_t kGathered = 1 << 20;

    File& file_;
    WalSyncs& syncs_;
    std::string gathered_;
    std::uint64_t start_ = 0;  // where they go
    std::uint64_t end_ = 0;    // of the last write
    bool commits_ = false;     // that was the head of a commit's last frame: its page follows
};

}  // namespace veredus::spool
