#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/mail/body_ref.h"
#include "common/mail/digest.h"
#include "common/mail/queue_id.h"
#include "spool/body/block_buffer.h"
#include "spool/body/record.h"
#include "spool/body/seal.h"
#include "spool/disk/disk.h"

namespace veredus::spool {

// For whoever receives messages: both writers put bytes into files that the queue's owner made and
// opened for them. They never sync: the owner does, before it acknowledges. Both throw DiskError.

// Appends whole messages to a segment.
class SegmentWriter {
  public:
    // Whether the file grows before it must: a sync of bytes that it has room for is a write and a
    // flush, one of bytes that made it longer a change of the file system's own tables, too, which
    // is most of its time where those have a journal. For a file that many messages come to, one
    // after the other; the room is zeros, as a crash may leave.
    enum class Growth : std::uint8_t { kByRecord, kAhead };
    static constexpr std::uint64_t kAhead = 256 * 1024;
    // Longer records pay for the growth they cause.
    static constexpr std::uint64_t kLongForAhead = 16 * 1024;

    // `segment` open for writing; `start`: where the first record goes.
    SegmentWriter(std::unique_ptr<File> segment, std::uint64_t file_number, std::uint64_t start,
                  Growth growth, std::optional<SegmentKey> key = std::nullopt);

    // The message as one more record; behind it, where this has a key, the envelope that is not
    // empty. Nothing when the segment is full: ask for another.
    std::optional<mail::BodyRef> append(mail::QueueId id, std::string_view reverse_path,
                                        std::string_view message, std::string_view envelope = {});

    std::uint64_t file_number() const { return file_number_; }

  private:
    void grow_to(std::uint64_t after);

    std::unique_ptr<File> segment_;
    std::uint64_t file_number_;
    Growth growth_;
    std::optional<SegmentKey> key_;
    std::uint64_t end_;    // of the last record
    std::uint64_t grown_;  // of the file
};

// Writes one large message into a file of its own, piece by piece as it arrives, past the kernel's
// cache: so the bytes are on their way to the disk before the last has come, the sync that the
// sender waits for has little to do, and no page of memory is found, filled and forgotten for them.
// So the file ends with its last block, in zeros behind the message (length_of_single()).
class SingleFileWriter {
  public:
    // `gathered`: the message's first bytes.
    SingleFileWriter(std::unique_ptr<File> file, std::uint64_t file_number,
                     BlockBuffer gathered = {});

    // The next bytes, in memory alone.
    void add(std::string_view bytes) { gathered_.add(bytes); }
    // There is enough for write_out(), which waits for the disk.
    bool full() const { return gathered_.size() >= kGathered; }
    void write_out();
    // For who has nothing to do meanwhile: both.
    void write(std::string_view bytes);
    mail::BodyRef finish();  // once, after the last piece

    std::uint64_t file_number() const { return file_number_; }

    // The memory, for another message. Nothing else may be called after it.
    BlockBuffer take_memory() { return std::move(gathered_); }

  private:
    static constexpr std::size_t kGathered = kSingleFileThreshold;

    std::unique_ptr<File> file_;
    std::uint64_t file_number_;
    BlockBuffer gathered_;       // waits to be written
    std::uint64_t written_ = 0;  // bytes in the file
    mail::DigestBuilder digest_;
};

}  // namespace veredus::spool
