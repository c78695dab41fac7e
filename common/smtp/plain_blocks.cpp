#include "common/smtp/plain_blocks.h"

#include <array>
#include <cstring>

namespace veredus::smtp {
namespace {

// Sixteen octets that go through the processor together; a comparison gives 255 for each that is
// so, and 0 for the others.
using Octets [[gnu::vector_size(16)]] = unsigned char;
constexpr std::size_t kOctets = sizeof(Octets);
static_assert(kPlainBlock % kOctets == 0 && kPlainBlock / kOctets <= 255);

Octets octets_at(const char* at) {
    Octets octets;
    std::memcpy(&octets, at, sizeof octets);
    return octets;
}

bool all_zero(Octets octets) {
    std::array<std::uint64_t, 2> halves;
    static_assert(sizeof halves == sizeof octets);
    std::memcpy(halves.data(), &octets, sizeof octets);
    return (halves[0] | halves[1]) == 0;
}

struct Block {
    Octets matters{};  // 0 where there is nothing
    Octets lines{};    // their sum is how many end here

    void look_at(Octets before, Octets here) {
        const Octets line_feed = here == '\n';
        const Octets after_return = before == '\r';
        const Octets first_dot = (here == '.') & (before == '\n');
        const Octets nul = here == '\0';
        matters |= (line_feed ^ after_return) | first_dot | nul;
        lines -= line_feed;
    }
};

Block block_at(const char* octets, char before) {
    std::array<char, kOctets> shifted{before};
    std::memcpy(shifted.data() + 1, octets, kOctets - 1);
    Block block;
    block.look_at(octets_at(shifted.data()), octets_at(octets));
    for (std::size_t i = kOctets; i < kPlainBlock; i += kOctets)
        block.look_at(octets_at(octets + i - 1), octets_at(octets + i));
    return block;
}

}  // namespace

PlainBlocks plain_blocks(std::string_view text, char before) {
    PlainBlocks out;
    for (; text.size() - out.size >= kPlainBlock; out.size += kPlainBlock) {
        const char* octets = text.data() + out.size;
        const auto block = block_at(octets, before);
        if (!all_zero(block.matters)) break;
        for (std::size_t i = 0; i < kOctets; ++i)
            out.lines += block.lines[i];
        before = octets[kPlainBlock - 1];
    }
    return out;
}

}  // namespace veredus::smtp
