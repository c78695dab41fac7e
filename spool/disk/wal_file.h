#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "spool/disk/disk.h"

namespace veredus::spool {

// SQLite appends to its write-ahead log a frame at a time, the head of 24 bytes and the page apart
// (sqlite.org/fileformat2.html, 4.1). Here the frames of a commit gather and go into the file in
// one write, with the last of them: before SQLite tells its other connections of them, so that
// nobody looks for what is not in the file yet. One thread writes; `file` must outlive this. All
// throw DiskError.
class WalFile {
  public:
    explicit WalFile(File& file) : file_(file) {}

    // One write of SQLite's.
    void write(std::uint64_t offset, std::string_view bytes);
    // What has gathered goes into the file: before anything is read from it, and before its size
    // counts.
    void flush();

    // Calls `sync`, which brings the file to the disk; one caller at a time, in any thread, also
    // beside write().
    void sync(const std::function<void()>& sync);
    // Commits no longer wait for a sync. So a sync that fails leaves out some that SQLite counts
    // on, and since the kernel says that once, and takes them for written from then on, no later
    // sync succeeds.
    void sync_on_request() { on_request_ = true; }

  private:
    static constexpr std::size_t kFrameHead = 24;
    // A commit larger than this goes in several writes.
    static constexpr std::size_t kGathered = 1 << 20;

    File& file_;
    std::mutex syncing_;
    bool on_request_ = false;
    bool sync_failed_ = false;
    std::string gathered_;
    std::uint64_t start_ = 0;  // where they go
    std::uint64_t end_ = 0;    // of the last write
    bool commits_ = false;     // that was the head of a commit's last frame: its page follows
};

}  // namespace veredus::spool
