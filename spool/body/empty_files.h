#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spool/disk/disk.h"

namespace veredus::spool {

// Files of messages that have left, emptied, for messages that come: to make a file and to remove
// it costs a file system more than to rename it. ext4 without a journal passes over each inode that
// was removed in the last minutes before it takes one for a new file.
//
// Only of those that nobody has open and that have no other name: what is written for one reader
// is seen by none who was there before.
class EmptyFiles {
  public:
    static constexpr std::string_view kSuffix = ".empty";  // behind the name it had

    // At most so many. The directory is lent.
    EmptyFiles(Directory& directory, std::size_t most) : directory_(directory), most_(most) {}

    // Stands in the directory: one more, if it is such a file, of an earlier life. After a loss of
    // power it need not be empty, and is then.
    void found(std::string_view name);

    // Empties the file of this name and keeps it. False, and the file is as it was: it may not be,
    // or there are enough. Throws DiskError; then it may be empty and have its name still.
    bool keep(std::string_view name);

    // One of them by this name, which no file has, open for reading and writing; null when there
    // is none. Throws DiskError.
    std::unique_ptr<File> take(std::string_view name);

  private:
    Directory& directory_;
    std::size_t most_;
    std::vector<std::string> names_;
};

}  // namespace veredus::spool
