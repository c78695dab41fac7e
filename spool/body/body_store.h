#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/mail/body_ref.h"
#include "spool/body/body_file.h"
#include "spool/body/dead_ranges.h"
#include "spool/body/empty_files.h"
#include "spool/body/horizon.h"
#include "spool/body/record.h"
#include "spool/disk/disk.h"
#include "spool/disk/side_by_side.h"

namespace veredus::spool {

// Why a body cannot be had: the disk no longer holds what was written.
struct BodyDamage {
    enum class Kind : std::uint8_t { kMissing, kShort, kUnreadable, kWrongDigest } kind;
    std::string text;  // for people, with the file's name
};

// What was found at start and by check().
struct BodyFileFault {
    std::uint64_t file;
    std::string text;
};

// The files that hold message bodies, in one directory of their own. For the owner of the data
// alone; who only writes bodies has body_writer.h. It keeps count of who needs a file and removes
// it after the last; that count is rebuilt at start from the owner's database, which is the truth.
// One thread, but for what a SyncSet has to do.
class BodyStore {
  private:
    struct BodyFile;

  public:
    // The right to write one file. While it lives the file stays; give it to whoever receives the
    // messages.
    class Lease {
      public:
        Lease(BodyStore& store, std::shared_ptr<BodyFile> file, std::uint64_t start,
              const SegmentKey& key);
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease();

        std::uint64_t file() const;
        BodyKind kind() const;
        std::uint64_t start() const { return start_; }  // where the first byte may go
        const SegmentKey& key() const { return key_; }  // what envelopes in it are sealed with
        // One more open file for writing alone, to be passed on or used here.
        std::unique_ptr<File> open_for_writing() const;

        // The bytes are this lease's to give, are in the file, and were not given before. When so,
        // they count as given and as a reference to the file, to be dropped when the message has
        // left or was not committed.
        bool claim(const mail::BodyRef& body);

      private:
        BodyStore& store_;
        std::shared_ptr<BodyFile> file_;
        std::uint64_t start_;
        SegmentKey key_;
        std::uint64_t written_ = 0;                       // the file was seen to be so long
        std::map<std::uint64_t, std::uint64_t> claimed_;  // start → end
    };

    // What has to reach the disk before a commit counts.
    class SyncSet {
      public:
        // Lets the system begin; for when there is something else to do before the syncs.
        void begin();
        // Whether that helps with all there is: not with single files, whose bytes are on the disk.
        bool begin_helps() const;
        // A sync of each file, and one of the directory when a file is new, as tasks to be run once
        // each, in any order and on any threads; this must stay where it is until all have ended.
        void add_to(Tasks& tasks);
        // Then: the files that failed. Nothing written to them since their last sync may be counted
        // on, and they take no more; they fail again in every later set.
        std::vector<std::uint64_t> failed() const;
        // All of it, one after the other; answers as failed().
        std::vector<std::uint64_t> run();
        bool empty() const { return files_.empty(); }
        // As they were when the set was made.
        const OpenSegments& segments() const { return segments_; }

      private:
        friend class BodyStore;
        struct Item {
            std::shared_ptr<BodyFile> body;
            std::shared_ptr<File> file;
            bool synced = false;
        };
        void sync_file(Item& item) const;
        void sync_names();

        Directory* directory_ = nullptr;
        std::vector<Item> files_;
        OpenSegments segments_;
        bool names_synced_ = true;
    };

    // Gives the space of what is dead in segments back to the file system.
    class Compaction {
      public:
        // On any thread. Empty, or what the disk had against it: then that space comes back with
        // its segment.
        std::string run() const;
        bool empty() const { return files_.empty(); }

      private:
        friend class BodyStore;
        struct Item {
            std::string name;
            std::vector<DeadRanges::Range> ranges;
        };
        Directory* directory_ = nullptr;
        std::vector<Item> files_;
    };
    static constexpr std::uint64_t kWorthGivingBack = 256 * 1024;

    // `keep`: so many single files of messages that have left are kept for others (EmptyFiles).
    explicit BodyStore(std::unique_ptr<Directory> directory, std::size_t keep = 0);
    ~BodyStore();

    enum class Unneeded : std::uint8_t {
        kRemove,    // nobody was ever told that they hold anything, or everything in them has left
        kPutAside,  // the database is new and cannot know: renamed to *.orphan and left alone
        kLeave,     // only looking
    };
    // Tells the store what is needed: file → number of messages in it; and what to do with the
    // other files in the directory: those in `unreadable` are put aside at least. Answers the
    // needed ones that are missing or unreadable, and those put aside. Once, before anything else.
    std::vector<BodyFileFault> recover(const std::map<std::uint64_t, std::uint64_t>& needed,
                                       Unneeded unneeded,
                                       const std::set<std::uint64_t>& unreadable = {});

    // Before recover(): the records with sealed envelopes that the owner's database may not have
    // heard of, in the order of their files and places.
    struct Beyond {
        std::vector<FoundRecord> records;
        std::set<std::uint64_t> unreadable;  // files, by the disk's own word
    };
    Beyond beyond(const Horizon& horizon) const;

    // After recover(): segments that take much more room than the `bytes` of their messages (file →
    // bytes); and what else is in one of those that still has messages, which are at `living`, in
    // order. Nobody may be writing it.
    std::vector<std::uint64_t> sparse_segments(
        const std::map<std::uint64_t, std::uint64_t>& bytes) const;
    void only_living(std::uint64_t file, std::span<const mail::BodyRef> living);

    // New files; `now_us` (since 1970) makes their numbers, which never come twice. Throw
    // DiskError.
    std::unique_ptr<Lease> create_segment(std::int64_t now_us);
    std::unique_ptr<Lease> create_single(std::int64_t now_us);

    OpenSegments segments() const { return {last_number_, open_segments_}; }
    // A segment that somebody may write is open there until as many let_close() have followed, even
    // when its writer has gone.
    void keep_open(std::uint64_t segment);
    void let_close(std::uint64_t segment);

    // Throws DiskError when a file cannot be opened.
    SyncSet to_sync(std::span<const std::uint64_t> files) const;

    // A message in this file has left, or was never committed.
    void drop_reference(std::uint64_t file);
    // It has left, and that is on disk: likewise, and the space of its bytes may be given back.
    void bury(const mail::BodyRef& body);
    // Segments in which so many bytes have died since the last time.
    Compaction to_compact(std::uint64_t worth = kWorthGivingBack);

    // These three throw DiskError when descriptors or memory have run out: try again later.

    // The bytes, checked against the digest. For bodies in segments; single files may be large:
    // open() those.
    std::expected<std::string, BodyDamage> read(const mail::BodyRef& body) const;
    // The file that holds the body, for reading alone.
    std::expected<std::unique_ptr<File>, BodyDamage> open(const mail::BodyRef& body) const;
    // Reads all of it and compares the digest, in little memory.
    std::expected<void, BodyDamage> verify(const mail::BodyRef& body) const;

    // Likewise, in any thread and without a store: looks for the file by its number.
    static std::expected<void, BodyDamage> verify_in(Directory& directory,
                                                     const mail::BodyRef& body);

    // What could be read comes to the disk, whatever became of earlier syncs. Throws DiskError.
    void bring_to_disk(std::span<const mail::BodyRef> bodies);

    struct Usage {
        std::uint64_t files = 0;
        std::uint64_t bytes = 0;  // on disk, bodies and what stands between them
    };
    Usage usage() const;

  private:
    std::unique_ptr<Lease> create(BodyKind kind, std::int64_t now_us);
    void close_when_done(const BodyFile& file);
    void remove_when_unneeded(const BodyFile& file);

    std::unique_ptr<Directory> directory_;
    EmptyFiles empty_;
    std::map<std::uint64_t, std::shared_ptr<BodyFile>> files_;
    std::vector<std::uint64_t> open_segments_;
    std::uint64_t last_number_ = 0;
};

}  // namespace veredus::spool
