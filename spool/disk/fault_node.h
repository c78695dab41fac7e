#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "spool/disk/fault_disk.h"

namespace veredus::spool {

inline constexpr std::uint64_t kSector = 512;

inline std::string sector_of(const std::string& bytes, std::uint64_t start, std::uint64_t length) {
    std::string sector = start < bytes.size() ? bytes.substr(start, length) : std::string();
    sector.resize(length, '\0');
    return sector;
}

// A file: what programs see lies in a memfd, so that its descriptor can be passed on; what a power
// loss leaves lies beside it.
struct FaultDisk::Node {
    explicit Node(std::string bytes = {})
        : descriptor(::memfd_create("fault-disk", MFD_CLOEXEC)), on_disk(std::move(bytes)) {
        if (descriptor < 0) throw DiskError(errno, "make", "a file in memory");
        write(0, on_disk);
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() { ::close(descriptor); }

    std::uint64_t size() const {
        struct stat status{};
        if (::fstat(descriptor, &status) != 0) throw DiskError(errno, "stat", "a file in memory");
        return static_cast<std::uint64_t>(status.st_size);
    }
    std::size_t read(std::uint64_t offset, std::span<char> into) const {
        const auto n = ::pread(descriptor, into.data(), into.size(), static_cast<off_t>(offset));
        if (n < 0) throw DiskError(errno, "read", "a file in memory");
        return static_cast<std::size_t>(n);
    }
    void write(std::uint64_t offset, std::string_view bytes) {
        // What is written again is on its way again, be it the same.
        const auto first = forgotten.lower_bound(offset / kSector * kSector);
        forgotten.erase(first, forgotten.lower_bound(offset + bytes.size()));
        const auto n = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n != static_cast<ssize_t>(bytes.size()))
            throw DiskError(errno, "write", "a file in memory");
    }
    void truncate(std::uint64_t size) const {
        if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
            throw DiskError(errno, "truncate", "a file in memory");
        }
    }
    std::string contents() const {
        std::string bytes(size(), '\0');
        bytes.resize(read(0, bytes));
        return bytes;
    }

    void synced() {
        std::string now = contents();
        for (const auto& [sector, bytes] : forgotten) {
            if (sector_of(now, sector, bytes.size()) != bytes) continue;
            now.replace(sector, bytes.size(), sector_of(on_disk, sector, bytes.size()));
        }
        on_disk = std::move(now);
    }
    void sync_failed() {
        const std::string now = contents();
        for (std::uint64_t start = 0; start < now.size(); start += kSector) {
            const auto length = std::min(kSector, now.size() - start);
            auto bytes = now.substr(start, length);
            if (sector_of(on_disk, start, length) != bytes) forgotten[start] = std::move(bytes);
        }
    }

    const int descriptor;
    std::atomic<std::size_t> opened = 0;  // so many times; descriptors passed on are not counted
    bool linked = false;                  // has had more names than one
    std::string on_disk;
    // What was written before a sync that failed: the system takes it for written, the disk never
    // saw it. Sector → bytes, since those who hold the descriptor write past this.
    std::map<std::uint64_t, std::string> forgotten;
};

}  // namespace veredus::spool
