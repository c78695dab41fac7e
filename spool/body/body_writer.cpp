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

SingleFileWriter::SingleFileWriter(std::unique_ptr<File> file, std::uint64_t file_number,
                                   BlockBuffer gathered)
    : file_(std::move(file)), file_number_(file_number), gathered_(std::move(gathered)) {}

// Whole blocks; what is left stands at the front.
void SingleFileWriter::write_out() {
    const std::size_t whole = gathered_.whole_blocks();
    if (whole == 0) return;
    const auto bytes = gathered_.bytes().substr(0, whole);
    digest_.update(bytes);
    file_->bypass_cache(true);
    file_->write(written_, bytes);
    written_ += whole;
    gathered_.drop_front(whole);
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
    digest_.update(gathered_.bytes());
    const std::uint64_t length = written_ + gathered_.size();
    gathered_.fill_last_block();
    file_->bypass_cache(true);
    file_->write(written_, gathered_.bytes());
    return {file_number_, 0, length, digest_.finish()};
}

}  // namespace veredus::spool
