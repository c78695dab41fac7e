#include "spool/disk/sqlite_vfs.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <memory>

namespace veredus::spool {
namespace {

// The bytes SQLite locks in a database file (sqlite.org/fileformat2.html, 1.4: the lock-byte page).
constexpr std::uint64_t kPendingByte = 0x40000000;
constexpr std::uint64_t kReservedByte = kPendingByte + 1;
constexpr std::uint64_t kSharedFirst = kPendingByte + 2;
constexpr std::uint64_t kSharedSize = 510;
constexpr int kSectorSize = 4096;
constexpr int kLongestName = 255;

// What SQLite allocates for each open file.
struct OpenFile {
    sqlite3_file base;
    File* file;
    WalFile* wal;  // null for other files
    SqliteVfs* vfs;
    bool name_durable;
    int level;  // SQLITE_LOCK_*
    SqliteConnections::Held index_locks;

    SqliteConnections& connections() const { return vfs->connections(); }
};

OpenFile& opened(sqlite3_file* file) {
    return *reinterpret_cast<OpenFile*>(file);
}
SqliteVfs& vfs_of(sqlite3_vfs* vfs) {
    return *static_cast<SqliteVfs*>(vfs->pAppData);
}
Directory& directory_of(sqlite3_vfs* vfs) {
    return vfs_of(vfs).directory();
}

// No exception may cross SQLite's own frames.
template <class Call>
int guarded(int failure, Call call) {
    try {
        return call();
    } catch (const DiskError& error) {
        return error.disk_full() ? SQLITE_FULL : failure;
    } catch (const std::bad_alloc&) {
        return SQLITE_IOERR_NOMEM;
    }
}

// What was written is in the file.
File& flushed(sqlite3_file* base) {
    auto& open = opened(base);
    if (open.wal != nullptr) open.wal->flush();
    return *open.file;
}

int close_file(sqlite3_file* base) {
    delete opened(base).wal;
    delete opened(base).file;
    opened(base).file = nullptr;
    return SQLITE_OK;
}

int read_file(sqlite3_file* base, void* into, int length, sqlite3_int64 offset) {
    return guarded(SQLITE_IOERR_READ, [&] {
        const std::span bytes(static_cast<char*>(into), static_cast<std::size_t>(length));
        const auto n = flushed(base).read(static_cast<std::uint64_t>(offset), bytes);
        if (n == bytes.size()) return SQLITE_OK;
        std::ranges::fill(bytes.subspan(n), '\0');
        return SQLITE_IOERR_SHORT_READ;
    });
}

int write_file(sqlite3_file* base, const void* from, int length, sqlite3_int64 offset) {
    return guarded(SQLITE_IOERR_WRITE, [&] {
        const std::string_view bytes(static_cast<const char*>(from),
                                     static_cast<std::size_t>(length));
        auto& open = opened(base);
        if (open.wal != nullptr) {
            open.wal->write(static_cast<std::uint64_t>(offset), bytes);
        } else {
            open.file->write(static_cast<std::uint64_t>(offset), bytes);
        }
        return SQLITE_OK;
    });
}

int truncate_file(sqlite3_file* base, sqlite3_int64 size) {
    return guarded(SQLITE_IOERR_TRUNCATE, [&] {
        flushed(base).truncate(static_cast<std::uint64_t>(size));
        return SQLITE_OK;
    });
}

// After a failed sync nobody knows what is on disk: that is never a mere lack of room, after which
// one may go on.
int sync_written(OpenFile& open, bool in_portions = false) {
    const auto sync = [&] {
        if (in_portions) open.file->sync_ahead();
        if (open.name_durable) {
            open.file->sync();
        } else {
            durable(*open.file, open.vfs->directory());
            open.name_durable = true;
        }
    };
    const int result = guarded(SQLITE_IOERR_FSYNC, [&] {
        if (open.wal != nullptr) {
            open.wal->sync(sync);
        } else {
            sync();
        }
        return SQLITE_OK;
    });
    return result == SQLITE_FULL ? SQLITE_IOERR_FSYNC : result;
}

int sync_file(sqlite3_file* base, int) {
    return guarded(SQLITE_IOERR_WRITE, [&] {
        flushed(base);
        return sync_written(opened(base));
    });
}

int file_size(sqlite3_file* base, sqlite3_int64* size) {
    return guarded(SQLITE_IOERR_FSTAT, [&] {
        *size = static_cast<sqlite3_int64>(flushed(base).size());
        return SQLITE_OK;
    });
}

// SQLite's five levels of lock as locks on ranges (sqlite.org/lockingv3.html).
bool raise_lock(File& file, int from, int to) {
    using enum File::Lock;
    if (from == SQLITE_LOCK_NONE) {
        if (!file.try_lock(kShared, kPendingByte, 1)) return false;
        const bool shared = file.try_lock(kShared, kSharedFirst, kSharedSize);
        file.try_lock(kNone, kPendingByte, 1);
        if (!shared) return false;
    }
    if (to == SQLITE_LOCK_RESERVED) return file.try_lock(kExclusive, kReservedByte, 1);
    if (to < SQLITE_LOCK_PENDING) return true;
    if (!file.try_lock(kExclusive, kPendingByte, 1)) return false;
    return file.try_lock(kExclusive, kSharedFirst, kSharedSize);
}

int lock_file(sqlite3_file* base, int level) {
    return guarded(SQLITE_IOERR_LOCK, [&] {
        auto& open = opened(base);
        if (open.level >= level) return SQLITE_OK;
        if (!raise_lock(*open.file, open.level, level)) return SQLITE_BUSY;
        open.level = level;
        return SQLITE_OK;
    });
}

int unlock_file(sqlite3_file* base, int level) {
    return guarded(SQLITE_IOERR_UNLOCK, [&] {
        using enum File::Lock;
        auto& open = opened(base);
        if (open.level <= level) return SQLITE_OK;
        if (level == SQLITE_LOCK_SHARED) {
            open.file->try_lock(kShared, kSharedFirst, kSharedSize);
            open.file->try_lock(kNone, kPendingByte, 2);
        } else {
            open.file->try_lock(kNone, kPendingByte, 2 + kSharedSize);
        }
        open.level = level;
        return SQLITE_OK;
    });
}

int check_reserved(sqlite3_file* base, int* reserved) {
    return guarded(SQLITE_IOERR_CHECKRESERVEDLOCK, [&] {
        auto& open = opened(base);
        *reserved = 0;
        if (open.level >= SQLITE_LOCK_RESERVED) {
            *reserved = 1;
        } else if (open.file->try_lock(File::Lock::kExclusive, kReservedByte, 1)) {
            open.file->try_lock(File::Lock::kNone, kReservedByte, 1);
        } else {
            *reserved = 1;
        }
        return SQLITE_OK;
    });
}

// ---- a database that this process owns ----

int lock_owned(sqlite3_file* base, int level) {
    return guarded(SQLITE_IOERR_LOCK, [&] {
        auto& open = opened(base);
        if (open.level >= level) return SQLITE_OK;
        const auto keep_others_out = [&] {
            return open.file->try_lock(File::Lock::kExclusive, kPendingByte, 2 + kSharedSize);
        };
        if (!open.connections().own(&open, keep_others_out) ||
            !open.connections().raise(&open, open.level, level))
            return SQLITE_BUSY;
        open.level = level;
        return SQLITE_OK;
    });
}

int unlock_owned(sqlite3_file* base, int level) {
    auto& open = opened(base);
    if (open.level <= level) return SQLITE_OK;
    open.connections().lower(open.level, level);
    open.level = level;
    return SQLITE_OK;
}

int check_owned(sqlite3_file* base, int* reserved) {
    *reserved = opened(base).connections().reserved() ? 1 : 0;
    return SQLITE_OK;
}

int close_owned(sqlite3_file* base) {
    opened(base).connections().disown(&opened(base));
    return close_file(base);
}

int index_part(sqlite3_file* base, int number, int size, int make, void volatile** part) {
    return guarded(SQLITE_IOERR_SHMMAP, [&] {
        *part = opened(base).connections().part(static_cast<std::size_t>(number),
                                                static_cast<std::size_t>(size), make != 0);
        return SQLITE_OK;
    });
}

int lock_index(sqlite3_file* base, int first, int count, int flags) {
    auto& open = opened(base);
    const bool held = open.connections().lock(open.index_locks, first, count, flags);
    return held ? SQLITE_OK : SQLITE_BUSY;
}

void index_barrier(sqlite3_file*) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

int leave_index(sqlite3_file*, int) {
    return SQLITE_OK;
}

int control_file(sqlite3_file* base, int operation, void*) {
    OpenFile& open = opened(base);
    if (operation == kSyncCommitted) return sync_written(open);
    if (operation == kSyncInPortions) return sync_written(open, true);
    if (operation != kSyncOnRequest) return SQLITE_NOTFOUND;
    open.wal->sync_on_request();
    return SQLITE_OK;
}
int sector_size(sqlite3_file*) {
    return kSectorSize;
}
int characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

constexpr sqlite3_io_methods kBetweenProcesses = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

constexpr sqlite3_io_methods kOwned = [] {
    sqlite3_io_methods methods = kBetweenProcesses;
    methods.iVersion = 2;
    methods.xClose = close_owned;
    methods.xLock = lock_owned;
    methods.xUnlock = unlock_owned;
    methods.xCheckReservedLock = check_owned;
    methods.xShmMap = index_part;
    methods.xShmLock = lock_index;
    methods.xShmBarrier = index_barrier;
    methods.xShmUnmap = leave_index;
    return methods;
}();

std::unique_ptr<File> open_or_create(Directory& directory, const char* name, int flags) {
    const auto access = (flags & SQLITE_OPEN_READONLY) != 0 ? Access::kRead : Access::kReadWrite;
    auto file = directory.open(name, access);
    if (file == nullptr && (flags & SQLITE_OPEN_CREATE) != 0) file = directory.create(name);
    return file;
}

// What a process before this one left in a WAL, and this one reads from the system's memory, goes
// to the disk, also where a sync of that process failed: else a hole could cut off all that is
// appended from now on.
void keep(File& wal) {
    const auto size = wal.size();
    if (size == 0) return;
    write_again(wal, 0, size);
    wal.sync();
}

int open_file(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* base, int flags,
              int* flags_out) {
    base->pMethods = nullptr;
    // Temporary files are kept in memory (temp_store); a nameless one is never asked for.
    if (name == nullptr) return SQLITE_CANTOPEN;
    return guarded(SQLITE_CANTOPEN, [&] {
        auto file = open_or_create(directory_of(vfs), name, flags);
        if (file == nullptr) return SQLITE_CANTOPEN;
        const bool is_wal = (flags & SQLITE_OPEN_WAL) != 0;
        if (is_wal && vfs_of(vfs).opens_first_wal()) keep(*file);
        auto& open = opened(base);
        const bool owned = vfs_of(vfs).locks() == SqliteVfs::Locks::kOwned;
        open.base.pMethods = owned ? &kOwned : &kBetweenProcesses;
        open.file = file.get();
        open.wal = is_wal ? new WalFile(*file, vfs_of(vfs).wal_syncs()) : nullptr;
        static_cast<void>(file.release());
        open.vfs = &vfs_of(vfs);
        open.name_durable = false;
        open.level = SQLITE_LOCK_NONE;
        open.index_locks = {};
        if (flags_out != nullptr) *flags_out = flags;
        return SQLITE_OK;
    });
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_directory) {
    return guarded(SQLITE_IOERR_DELETE, [&] {
        const bool existed = directory_of(vfs).unlink(name);
        if (existed && sync_directory != 0) directory_of(vfs).sync();
        return existed ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
    });
}

int file_exists(sqlite3_vfs* vfs, const char* name, int, int* exists) {
    return guarded(SQLITE_IOERR_ACCESS, [&] {
        *exists = directory_of(vfs).exists(name) ? 1 : 0;
        return SQLITE_OK;
    });
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
    const auto length = std::strlen(name);
    if (static_cast<int>(length) >= size) return SQLITE_CANTOPEN;
    std::memcpy(out, name, length + 1);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int length, char* out) {
    return ::getrandom(out, static_cast<std::size_t>(length), 0) == length ? length : 0;
}

int sleep_us(sqlite3_vfs*, int microseconds) {
    ::usleep(static_cast<useconds_t>(microseconds));
    return microseconds;
}

int current_time(sqlite3_vfs*, double* julian_day) {
    constexpr double kUnixEpoch = 2440587.5;
    constexpr double kMillisecondsPerDay = 86400000.0;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    *julian_day = kUnixEpoch + static_cast<double>(ms) / kMillisecondsPerDay;
    return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

// SQLite's statistics of its memory, which nobody reads, cost a mutex for each piece of it. Counts
// before SQLite's first use in the process alone.
void count_no_memory() {
    static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(done);
}

}  // namespace

SqliteVfs::SqliteVfs(Directory& directory, Locks locks)
    : directory_(directory),
      locks_(locks),
      name_("veredus-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))) {
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(OpenFile);
    vfs_.mxPathname = kLongestName;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = open_file;
    vfs_.xDelete = delete_file;
    vfs_.xAccess = file_exists;
    vfs_.xFullPathname = full_name;
    vfs_.xRandomness = randomness;
    vfs_.xSleep = sleep_us;
    vfs_.xCurrentTime = current_time;
    vfs_.xGetLastError = last_error;
    count_no_memory();
    if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::bad_alloc();
}

SqliteVfs::~SqliteVfs() {
    sqlite3_vfs_unregister(&vfs_);
}

}  // namespace veredus::spool
