#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mail/body_ref.h"
#include "common/mail/queue_id.h"
#include "spool/body/seal.h"
#include "spool/disk/disk.h"

namespace veredus::spool {

// The format of a segment, version 2 (docs/formats-queue.md): a header, then records. Each record
// is a line of text, the message, and a line feed, so that the whole reads as an mbox; the sealed
// envelope may follow. Version 1 had no key and no envelopes.

// Messages longer than this get a file of their own.
inline constexpr std::uint64_t kSingleFileThreshold = 256 * 1024;
// A segment takes records until it is this long.
inline constexpr std::uint64_t kSegmentSize = 16 * 1024 * 1024;

inline constexpr std::string_view kRecordEnd = "\n";
// No record's line has fewer bytes: all that is fixed in it, and one byte each of what is not.
inline constexpr std::uint32_t kShortestHead = 98;
// None has more whose reverse-path keeps to RFC 5321 4.5.3.1.3 (256 bytes).
inline constexpr std::uint32_t kLongestHead = 512;

struct SegmentHeader {
    std::uint64_t file = 0;         // the segment's number in its store
    std::int64_t created_us = 0;    // since 1970; kept to the second
    std::optional<SegmentKey> key;  // of version 2
};

// What stands in a record's line.
struct RecordHead {
    std::string reverse_path;     // without angle brackets; empty for <>
    std::int64_t arrival_us = 0;  // since 1970; kept to the second
    mail::QueueId id;
    std::uint64_t length = 0;  // of the message, bytes
    mail::Digest digest{};     // of the message
};

// Behind all that belongs to this message in its file.
constexpr std::uint64_t end_of_record(const mail::BodyRef& body) {
    return body.offset + body.length + (body.sealed > 0 ? kRecordEnd.size() + body.sealed : 0);
}

std::string encode_segment_header(const SegmentHeader& header);
// Nothing unless `bytes` starts with a header of a known version.
std::optional<SegmentHeader> parse_segment_header(std::string_view bytes);

// The line with its line feed. What would break the line in a reverse path (controls) is written as
// '?'.
std::string encode_record_head(const RecordHead& head);
// `line` without its line feed.
std::optional<RecordHead> parse_record_head(std::string_view line);

struct FoundRecord {
    RecordHead head;
    mail::BodyRef body;    // where the message stands
    bool intact = false;   // its bytes have the digest of its line
    std::string envelope;  // sealed behind it; empty where there is none
};

// Every record from `start` on that can be recognised in a segment, also after damage: what is none
// is skipped up to the next line that is one. For the time after a crash, and for repair: otherwise
// the queue's database is what says where messages stand.
std::vector<FoundRecord> find_records(File& segment, std::uint64_t file_number,
                                      std::uint64_t start = 0);
// Of the file, when it is a segment of a known version.
std::optional<SegmentHeader> read_segment_header(File& segment);

}  // namespace veredus::spool
