#include "spool/disk/disk.h"

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

std::string read_all(File& file) {
    std::string bytes(file.size(), '\0');
    bytes.resize(file.read(0, bytes));
    return bytes;
}

}  // namespace veredus::spool
