#include "spool/body/body_writer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "spool/body/record.h"

namespace veredus::spool {

SegmentWriter::SegmentWriter(std::unique_ptr<File> segment, std::uint64_t file_number,
                             std::uint64_t start, Growth growth)
    : segment_(std::move(segment)),
      file_number_(file_number),
      growth_(growth),
      end_(start),
      grown_(start) {}

// Before the record that ends at `after` is written.
void SegmentWriter::grow_to(std::uint64_t after) {
    if (after <= grown_) return;
    const bool is_long = after - end_ > kLongForAhead;
    if (growth_ == Growth::kByRecord || is_long) {
        grown_ = after;
    } else {
        const auto to = std::min(after + kAhead, kSegmentSize);
        segment_->write(grown_, std::string(to - grown_, '\0'));
        grown_ = to;
    }
}

std::optional<mail::BodyRef> SegmentWriter::append(mail::QueueId id, std::string_view reverse_path,
                                                   std::string_view message) {
    RecordHead head{std::string(reverse_path), id.arrival_us(), id, message.size(),
                    mail::digest_of(message)};
    const std::string line = encode_record_head(head);
    const std::uint64_t after = end_ + line.size() + message.size() + kRecordEnd.size();
    if (after > kSegmentSize) return std::nullopt;
    const std::array<std::string_view, 3> pieces{line, message, kRecordEnd};
    const std::uint64_t offset = end_ + line.size();
    grow_to(after);
    // A write that failed half way leaves its place unused: no two records are ever written at one
    // offset.
    const std::uint64_t start = std::exchange(end_, after);
    segment_->write(start, pieces);
    return mail::BodyRef{file_number_, offset, message.size(), head.digest};
}

SingleFileWriter::SingleFileWriter(std::unique_ptr<File> file, std::uint64_t file_number)
    : file_(std::move(file)), file_number_(file_number), blocks_(kGathered / File::kBlock) {}

void SingleFileWriter::write(std::string_view bytes) {
    digest_.update(bytes);
    while (!bytes.empty()) {
        const auto some = bytes.substr(0, kGathered - filled_);
        some.copy(gathered().subspan(filled_).data(), some.size());
        filled_ += some.size();
        bytes.remove_prefix(some.size());
        if (filled_ == kGathered) write_blocks();
    }
}

// The whole ones; what is left stands at the front.
void SingleFileWriter::write_blocks() {
    const std::size_t whole = filled_ / File::kBlock * File::kBlock;
    if (whole == 0) return;
    file_->bypass_cache(true);
    file_->write(written_, std::string_view(gathered().first(whole)));
    filled_ -= whole;  // less than a block: it does not overlap its new place
    std::string_view(gathered()).substr(whole, filled_).copy(gathered().data(), filled_);
    written_ += whole;
}

mail::BodyRef SingleFileWriter::finish() {
    write_blocks();
    file_->bypass_cache(false);
    file_->write(written_, std::string_view(gathered().first(filled_)));
    return {file_number_, 0, written_ + filled_, digest_.finish()};
}

}  // namespace veredus::spool
