#include "spool/disk/sqlite_connections.h"

#include <sqlite3.h>

#include <algorithm>
#include <span>

namespace veredus::spool {

static_assert(SqliteConnections::kIndexLocks == SQLITE_SHM_NLOCK);

bool SqliteConnections::own(const void* connection, const std::function<bool()>& keep_others_out) {
    const std::scoped_lock guard(mutex_);
    if (owner_ == nullptr && keep_others_out()) owner_ = connection;
    return owner_ != nullptr;
}

void SqliteConnections::disown(const void* connection) {
    const std::scoped_lock guard(mutex_);
    if (owner_ != connection) return;
    owner_ = nullptr;
    parts_.clear();
}

bool SqliteConnections::raise(const void* connection, int from, int to) {
    const std::scoped_lock guard(mutex_);
    if (to == SQLITE_LOCK_SHARED) {
        if (alone_) return false;
        ++readers_;
        return true;
    }
    if (writer_ != nullptr && writer_ != connection) return false;
    const int readers = readers_ + (from == SQLITE_LOCK_NONE ? 1 : 0);
    if (to == SQLITE_LOCK_EXCLUSIVE && readers > 1) return false;
    readers_ = readers;
    writer_ = connection;
    alone_ = to == SQLITE_LOCK_EXCLUSIVE;
    return true;
}

void SqliteConnections::lower(int from, int to) {
    const std::scoped_lock guard(mutex_);
    if (from >= SQLITE_LOCK_RESERVED) {
        writer_ = nullptr;
        alone_ = false;
    }
    if (to == SQLITE_LOCK_NONE) --readers_;
}

bool SqliteConnections::reserved() {
    const std::scoped_lock guard(mutex_);
    return writer_ != nullptr;
}

volatile void* SqliteConnections::part(std::size_t index, std::size_t size, bool make) {
    const std::scoped_lock guard(mutex_);
    while (make && parts_.size() <= index)
        parts_.push_back(std::make_unique<std::byte[]>(size));  // all zero, as SQLite expects
    return index < parts_.size() ? parts_[index].get() : nullptr;
}

bool SqliteConnections::lock(Held& held, int first, int count, int flags) {
    const std::scoped_lock guard(mutex_);
    const std::span locks(index_locks_.data() + first, static_cast<std::size_t>(count));
    const auto bits = static_cast<std::uint8_t>(((1U << count) - 1U) << first);
    const auto without = static_cast<std::uint8_t>(~bits);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        for (std::size_t i = 0; i < locks.size(); ++i) {
            const unsigned bit = 1U << (static_cast<std::size_t>(first) + i);
            if ((held.exclusive & bit) != 0) locks[i] = 0;
            if ((held.shared & bit) != 0) --locks[i];
        }
        held.shared &= without;
        held.exclusive &= without;
        return true;
    }
    if ((flags & SQLITE_SHM_SHARED) != 0) {
        if ((held.shared & bits) != 0) return true;
        if (std::ranges::find(locks, kExclusive) != locks.end()) return false;
        for (int& lock : locks)
            ++lock;
        held.shared |= bits;
        return true;
    }
    if ((held.exclusive & bits) == bits) return true;
    if (!std::ranges::all_of(locks, [](int lock) { return lock == 0; })) return false;
    std::ranges::fill(locks, kExclusive);
    held.exclusive |= bits;
    return true;
}

}  // namespace veredus::spool
