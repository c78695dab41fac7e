#include "spool/body/body_writer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "spool/body/record.h"

namespace veredus::spool {

SegmentWriter::SegmentWriter(std::unique_ptr<File> segment, std::uint64_t file_number,
                             std::uint64_t start, Growth growth, std::optional<SegmentKey> key)
    : segment_(std::move(segment)),
      file_number_(file_number),
      growth_(growth),
      key_(key),
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
                                                   std::string_view message,
                                                   std::string_view envelope) {
    RecordHead head{std::string(reverse_path), id.arrival_us(), id, message.size(),
                    mail::digest_of(message)};
    const std::string line = encode_record_head(head);
    const std::string sealed =
        key_ && !envelope.empty() ? seal_envelope(*key_, line, envelope) : std::string();
    const std::uint64_t after =
        end_ + line.size() + message.size() + kRecordEnd.size() + sealed.size();
    if (after > kSegmentSize) return std::nullopt;
    const std::array<std::string_view, 4> pieces{line, message, kRecordEnd, sealed};
    const std::uint64_t offset = end_ + line.size();
    grow_to(after);
    // A write that failed half way leaves its place unused: no two records are ever written at one
    // offset.
    const std::uint64_t start = std::exchange(end_, after);
    segment_->write(start, pieces);
    return mail::BodyRef{file_number_, offset, message.size(), head.digest,
                         static_cast<std::uint32_t>(sealed.size())};
}

// What is gathered before it is written, and what a stream may have read beyond that.
constexpr std::size_t kRoom = kSingleFileThreshold * 3 / 2;

SingleFileWriter::SingleFileWriter(std::unique_ptr<File> file, std::uint64_t file_number)
    : file_(std::move(file)),
      file_number_(file_number),
      blocks_(std::make_unique_for_overwrite<Block[]>(kRoom / File::kBlock)),
      room_(kRoom) {}

void SingleFileWriter::add(std::string_view bytes) {
    if (bytes.size() > room_ - filled_) {
        const std::size_t blocks = (filled_ + bytes.size()) / File::kBlock + 1;
        auto larger = std::make_unique_for_overwrite<Block[]>(blocks);
        std::copy_n(gathered(), filled_, larger[0].bytes);
        blocks_ = std::move(larger);
        room_ = blocks * File::kBlock;
    }
    bytes.copy(gathered() + filled_, bytes.size());
    filled_ += bytes.size();
}

// Whole blocks; what is left stands at the front.
void SingleFileWriter::write_out() {
    const std::size_t whole = filled_ / File::kBlock * File::kBlock;
    if (whole == 0) return;
    const std::string_view bytes(gathered(), whole);
    digest_.update(bytes);
    file_->bypass_cache(true);
    file_->write(written_, bytes);
    written_ += whole;
    filled_ -= whole;  // less than a block: it does not overlap its new place
    std::copy_n(gathered() + whole, filled_, gathered());
}

void SingleFileWriter::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto some = bytes.substr(0, kGathered);
        add(some);
        bytes.remove_prefix(some.size());
        if (full()) write_out();
    }
}

mail::BodyRef SingleFileWriter::finish() {
    digest_.update({gathered(), filled_});
    const std::uint64_t length = written_ + filled_;
    const std::size_t whole = (filled_ + File::kBlock - 1) / File::kBlock * File::kBlock;
    std::fill(gathered() + filled_, gathered() + whole, '\0');
    file_->bypass_cache(true);
    file_->write(written_, std::string_view(gathered(), whole));
    return {file_number_, 0, length, digest_.finish()};
}

}  // namespace veredus::spool
