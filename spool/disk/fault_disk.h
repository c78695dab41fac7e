#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "spool/disk/disk.h"

namespace veredus::spool {

// A disk in memory, for tests: it counts and records what is done to it, fails when told to, and
// can lose power, after which only what was synced is certain to be there. The same seed gives the
// same losses.
class FaultDisk {
  public:
    enum class Kind : std::uint8_t {
        kWrite,
        kTruncate,
        kSync,
        kCreate,
        kMakeDirectory,
        kRename,
        kUnlink,
        kLink,
        kSyncDirectory,
    };
    struct Operation {
        Kind kind;
        std::string name;
    };

    // Operations are counted from 1: all that change something or sync. Reads are not counted.
    struct Plan {
        // Power goes during this operation: a part of it may be done, and it and all later ones
        // fail.
        std::optional<std::uint64_t> cut_at;
        // This operation fails with `fail_code` and does nothing; a failed sync loses the right to
        // be repeated: what was not on disk before it never will be, unless written again.
        std::optional<std::uint64_t> fail_at;
        int fail_code = 5;  // EIO
        // Reads of files whose name ends thus fail with EIO.
        std::string unreadable_suffix;
    };

    enum class Loss : std::uint8_t {
        kAllUnsynced,  // nothing that was not synced is there
        kRandom,  // each unsynced sector is there or not, one of them torn; names in order up to
                  // some point
        kNothingSoFar,  // all that was written is there, as after a kill of the process
    };

    explicit FaultDisk(std::uint64_t seed = 0);
    ~FaultDisk();

    Directory& root();

    void set_plan(Plan plan);
    // Bytes that all files together may hold; beyond it writes fail with ENOSPC. Unlimited at
    // first.
    void set_room(std::uint64_t bytes);

    // Called in each sync and in each read of a file, by who syncs or reads: as a disk that takes
    // its time.
    void set_at_sync(std::function<void()> call) { at_sync_ = std::move(call); }
    void set_at_read(std::function<void()> call) { at_read_ = std::move(call); }

    std::uint64_t operations() const;
    bool power_is_lost() const;
    std::vector<Operation> log() const;
    static std::string_view name_of(Kind kind);

    // What a machine finds when it comes up again: a new disk without a plan, everything on it
    // synced. Objects of the old disk must not be used with the new one.
    std::unique_ptr<FaultDisk> after(Loss loss) const;

    // From now on it was the process that was killed, not the machine: what was written and not
    // synced is there still, in the system's memory alone. To be called once the power is lost and
    // all who used the disk have gone.
    void start_again_after_kill() {
        const std::lock_guard lock(mutex_);
        plan_ = {};
        power_is_lost_ = false;
    }

    // Flips one bit of a file, as bad hardware does: now and on disk.
    void flip_bit(Directory& directory, std::string_view name, std::uint64_t offset);

  private:
    struct Node;
    struct Names;
    class OpenFile;
    class OpenDirectory;
    struct Entry;
    struct NameChange;
    struct Copier;

    enum class Verdict : std::uint8_t { kDo, kDoPartAndFail };
    Verdict admit(Kind kind, std::string_view name);
    bool coin() { return (random_() & 1) != 0; }
    void require_room(std::uint64_t more_bytes, std::string_view name);
    // The one way in which names change: all the changes or none of them survive.
    void change_names(Kind kind, std::vector<NameChange> changes);
    void settle_names(const Names* directory);

    mutable std::mutex mutex_;
    mutable std::mt19937_64 random_;
    Plan plan_;
    std::optional<std::uint64_t> room_;
    std::function<void()> at_sync_;
    std::function<void()> at_read_;
    bool power_is_lost_ = false;
    std::vector<Operation> log_;
    std::vector<std::vector<NameChange>> pending_;  // made, but their directories not synced since
    std::shared_ptr<Names> root_names_;
    std::unique_ptr<OpenDirectory> root_;
};

}  // namespace veredus::spool
