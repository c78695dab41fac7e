#include "spool/disk/wal_file.h"

#include <cerrno>

namespace veredus::spool {
namespace {

// The size of the database after the commit, in the last frame of each; 0 in all others.
bool ends_commit(std::string_view frame_head) {
    return frame_head.substr(4, 4) != std::string_view("\0\0\0\0", 4);
}

}  // namespace

void WalFile::write(std::uint64_t offset, std::string_view bytes) {
    const bool completes = commits_;
    commits_ = bytes.size() == kFrameHead && ends_commit(bytes);
    const bool restarts = offset == 0;
    // What does not follow corrects frames of this transaction, or goes over those of one that was
    // taken back.
    const bool follows = offset == end_;
    if (restarts || !follows) flush();
    end_ = offset + bytes.size();
    if (!restarts && !follows) return file_.write(offset, bytes);
    if (gathered_.empty()) start_ = offset;
    gathered_ += bytes;
    if (completes || gathered_.size() > kGathered) flush();
}

void WalFile::flush() {
    if (gathered_.empty()) return;
    // Also when it fails: then SQLite is told, and writes again what it wants there.
    struct Clear {
        std::string& bytes;
        ~Clear() { bytes.clear(); }
    };
    const Clear clear{gathered_};
    file_.write(start_, gathered_);
}

void WalFile::sync(const std::function<void()>& sync) {
    const std::lock_guard lock(syncs_.one_at_a_time);
    if (syncs_.on_request && syncs_.failed) throw DiskError(EIO, "sync again", "the WAL");
    try {
        sync();
    } catch (...) {
        syncs_.failed = true;
        throw;
    }
}

}  // namespace veredus::spool
