#include "spool/disk/disk.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace veredus::spool {

DiskError::DiskError(int code, std::string_view operation, std::string_view name)
    : std::runtime_error(std::string(operation) + " " + std::string(name) + ": " +
                         std::generic_category().message(code)),
      code_(code) {}

bool DiskError::disk_full() const {
    return code_ == ENOSPC || code_ == EDQUOT;
}

void File::punch(std::uint64_t start, std::uint64_t end) {
    const auto first = (start + kBlock - 1) / kBlock * kBlock;
    const auto last = end / kBlock * kBlock;
    if (first < last) punch_blocks(first, last - first);
}

void File::punch_blocks(std::uint64_t offset, std::uint64_t length) {
    write(offset, std::string(length, '\0'));
}

void write_again(File& file, std::uint64_t start, std::uint64_t end) {
    constexpr std::uint64_t kPiece = 1 << 20;
    std::string bytes;
    for (auto at = start; at < end; at += bytes.size()) {
        bytes.resize(std::min(kPiece, end - at));
        bytes.resize(file.read(at, bytes));
        if (bytes.empty()) return;
        file.write(at, bytes);
    }
}

std::string read_all(File& file) {
    return read_from(file, 0);
}

std::string read_from(File& file, std::uint64_t offset) {
    const auto size = file.size();
    std::string bytes(size - std::min(size, offset), '\0');
    bytes.resize(file.read(offset, bytes));
    return bytes;
}

}  // namespace veredus::spool
