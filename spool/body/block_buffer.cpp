#include "spool/body/block_buffer.h"

#include <algorithm>
#include <cstring>

namespace veredus::spool {

void BlockBuffer::grow_to(std::size_t bytes) {
    const std::size_t wanted = (bytes + File::kBlock - 1) / File::kBlock;
    if (wanted <= blocks_count_) return;
    const std::size_t count = std::max(wanted, 2 * blocks_count_);
    auto larger = std::make_unique_for_overwrite<Block[]>(count);
    this->bytes().copy(larger[0].bytes, filled_);
    blocks_ = std::move(larger);
    blocks_count_ = count;
}

void BlockBuffer::add(std::string_view bytes) {
    if (bytes.empty()) return;
    grow_to(filled_ + bytes.size());
    bytes.copy(blocks_[0].bytes + filled_, bytes.size());
    filled_ += bytes.size();
}

void BlockBuffer::drop_front(std::size_t count) {
    if (count == 0) return;
    filled_ -= count;
    std::memmove(blocks_[0].bytes, blocks_[0].bytes + count, filled_);
}

void BlockBuffer::fill_last_block() {
    const std::size_t end = (filled_ + File::kBlock - 1) / File::kBlock * File::kBlock;
    if (end == filled_) return;
    std::fill(blocks_[0].bytes + filled_, blocks_[0].bytes + end, '\0');
    filled_ = end;
}

}  // namespace veredus::spool
