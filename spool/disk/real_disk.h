#pragma once

#include <memory>
#include <string>

#include "spool/disk/disk.h"

namespace veredus::spool {

// A directory on the real disk. Everything below it is reached from its descriptor (openat),
// without following symbolic links, so that it works the same after the process has locked itself
// in. For main() and tests alone: everybody else is handed a Directory. Throws DiskError.
std::unique_ptr<Directory> open_real_directory(const std::string& path);

// Takes over a directory's descriptor.
std::unique_ptr<Directory> adopt_directory(int descriptor);
// Takes over the descriptor of an open file, such as one received from another process.
std::unique_ptr<File> adopt_file(int descriptor);

}  // namespace veredus::spool
