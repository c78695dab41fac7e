#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spool/disk/disk.h"

namespace veredus::spool {

// The name of a day's file, "2026-11-25.jsonl"; and the day of such a name, or nothing.
std::string ledger_file_name(std::string_view day);
std::string_view ledger_day(std::string_view file_name);

// The writing end of the ledger: one file a day (UTC), each line a story as compose() writes it.
// Nothing is durable before it is synced; whoever writes must be able to write again what was not
// (Departing). Throws DiskError.
class Ledger {
  public:
    explicit Ledger(std::unique_ptr<Directory> directory) : directory_(std::move(directory)) {}

    // Where the next line of that day is to begin.
    std::uint64_t end_of(const std::string& day);
    // Puts whole lines there, or at the end of the file if it is shorter. When it throws, any part
    // of them may be there; written again at the same place they are whole.
    void write(const std::string& day, std::uint64_t offset, std::string_view lines);

    // What is written by now, to be synced in any thread.
    class SyncSet {
      public:
        bool run() const;  // false when one of them could not be
        bool empty() const { return files_.empty(); }

      private:
        friend class Ledger;
        std::vector<std::shared_ptr<File>> files_;
    };
    SyncSet to_sync();

    // Removes the files of the days before `day`; how many there were.
    std::size_t remove_before(std::string_view day);

  private:
    std::shared_ptr<File> open(const std::string& day, bool make);

    std::unique_ptr<Directory> directory_;
    std::map<std::string, std::shared_ptr<File>> open_;  // day → file
};

}  // namespace veredus::spool
