#pragma once

#include <cstdint>
#include <vector>

namespace veredus::spool {

// The bytes of a segment whose messages have left: what may be given back to the file system. It
// knows of the dead alone, so that no mistake of it touches a message that was not named.
class DeadRanges {
  public:
    struct Range {
        std::uint32_t start = 0;
        std::uint32_t end = 0;  // one past the last byte
    };

    // The bytes of a message; its record's line before it goes too once the message before that has
    // left.
    void add(std::uint64_t start, std::uint64_t end);
    // Bytes that were added since take().
    std::uint64_t fresh() const { return fresh_; }
    // Those that have grown since the last time, joined with their neighbours.
    std::vector<Range> take();

  private:
    struct Known : Range {
        bool taken = false;
    };
    std::vector<Known> ranges_;
    std::uint64_t fresh_ = 0;
};

}  // namespace veredus::spool
