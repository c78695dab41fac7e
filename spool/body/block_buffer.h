#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "spool/disk/disk.h"

namespace veredus::spool {

// A message's bytes in memory, where a file past the kernel's cache can take them from
// (File::bypass_cache): added at the end, dropped from the front.
class BlockBuffer {
  public:
    BlockBuffer() = default;
    BlockBuffer(BlockBuffer&& other) noexcept { *this = std::move(other); }
    BlockBuffer& operator=(BlockBuffer&& other) noexcept {
        blocks_ = std::move(other.blocks_);
        blocks_count_ = std::exchange(other.blocks_count_, 0);
        filled_ = std::exchange(other.filled_, 0);
        return *this;
    }

    void add(std::string_view bytes);
    // Valid until the next change.
    std::string_view bytes() const { return {blocks_ ? blocks_[0].bytes : nullptr, filled_}; }
    std::size_t size() const { return filled_; }
    std::size_t whole_blocks() const { return filled_ / File::kBlock * File::kBlock; }  // bytes
    // What is left moves to the front.
    void drop_front(std::size_t count);
    // Zeros behind the last byte, up to the end of its block.
    void fill_last_block();
    // Keeps its memory, which then serves for as much without growing.
    void clear() { filled_ = 0; }
    std::size_t capacity() const { return blocks_count_ * File::kBlock; }

  private:
    struct alignas(File::kBlock) Block {
        char bytes[File::kBlock];
    };
    void grow_to(std::size_t bytes);

    std::unique_ptr<Block[]> blocks_;
    std::size_t blocks_count_ = 0;
    std::size_t filled_ = 0;
};

}  // namespace veredus::spool
