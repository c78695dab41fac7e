#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::spool {

// Behind a message its envelope may stand in the segment (docs/formats-queue.md), so that one sync
// brings both to the disk. Its seal is a keyed hash (SipHash-2-4, 128 bits) over the record's line
// and the envelope. The key is the segment's and never leaves the spool: nothing that a sender
// writes into a message can be taken for an envelope, nor can one that is torn, or another
// message's.
using SegmentKey = std::array<std::uint8_t, 16>;

SegmentKey new_segment_key();

// What follows the end of a record whose line, with its line feed, is `record_line`.
std::string seal_envelope(const SegmentKey& key, std::string_view record_line,
                          std::string_view envelope);

struct OpenedEnvelope {
    std::string_view envelope;
    std::size_t length = 0;  // of all that seal_envelope() made, bytes
};
// `bytes` begin where the record has ended. Nothing unless the seal is the one this key makes.
std::optional<OpenedEnvelope> open_envelope(const SegmentKey& key, std::string_view record_line,
                                            std::string_view bytes);

}  // namespace veredus::spool
