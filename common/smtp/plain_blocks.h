#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace veredus::smtp {

// Most of a message's data has nothing in it that a reader or a writer has to act on. It is found
// in blocks of this many octets, and only where there is something it goes line by line.
inline constexpr std::size_t kPlainBlock = 256;

struct PlainBlocks {
    std::size_t size = 0;  // octets, a multiple of kPlainBlock
    std::uint64_t lines = 0;
};

// The blocks at the front of `text` in which no octet is NUL, no CR or LF stands without the other,
// and no line begins with a dot; the last may end between CR and LF. `before` stands before them:
// LF where a line begins.
PlainBlocks plain_blocks(std::string_view text, char before);

}  // namespace veredus::smtp
