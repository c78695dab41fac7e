#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "spool/disk/disk.h"
#include "spool/ledger/story.h"

namespace veredus::spool {

// Whose stories are wanted.
struct Wanted {
    // A queue id (the message, and the notifications about it), a Message-ID with or without its
    // angle brackets, or an address: a sender, a recipient, what a recipient was called before an
    // alias was expanded. Addresses and ids regardless of the case of ASCII letters.
    std::string text;
    // Only messages that arrived then or later.
    std::int64_t since_us = 0;

    bool matches(const Story& story) const;
};

// Searches the ledger, while queued writes it or not. A line that hits and cannot be read is
// counted and passed over; an incomplete last line is one that is being written. Throws DiskError.
class LedgerReader {
  public:
    // The directory spool/ledger, which must outlive this.
    explicit LedgerReader(Directory& ledger) : ledger_(ledger) {}

    // The latest to leave first, until `take` answers false.
    void find(const Wanted& wanted, const std::function<bool(Story)>& take);

    // Those that told of what became of these messages, in no order.
    void find_notifications(const std::set<mail::QueueId>& about,
                            const std::function<void(Story)>& take);

    // Those of the ids whose messages have left.
    std::set<mail::QueueId> left(const std::set<mail::QueueId>& ids);

    // Lines that had to be passed over, and the last file that had one.
    std::uint64_t damaged() const { return damaged_; }
    const std::string& damaged_file() const { return damaged_file_; }
    // The first day in the ledger; empty when there is none.
    std::string first_day();

  private:
    // Stories with this text in their line, of messages that came then or later; the latest to
    // leave first, until `take` answers false.
    void search(std::string_view text, std::int64_t from_us,
                const std::function<bool(Story)>& take);

    Directory& ledger_;
    std::uint64_t damaged_ = 0;
    std::string damaged_file_;
};

}  // namespace veredus::spool
