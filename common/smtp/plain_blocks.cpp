#include "common/smtp/plain_blocks.h"

namespace veredus::smtp {
namespace {

using Octet = unsigned char;

// So many line feeds are counted in one octet.
constexpr std::size_t kStrip = 128;
static_assert(kPlainBlock % kStrip == 0);

// Not 0 where an octet after another means something.
constexpr Octet matter(Octet before, Octet octet) {
    const bool half_a_line_end = (octet == '\n') != (before == '\r');
    const bool first_dot = (octet == '.') & (before == '\n');
    return static_cast<Octet>(half_a_line_end | first_dot | (octet == '\0'));
}

// Both are loops without branches, which the compiler does on many octets at a time.

bool is_plain(const Octet* block, Octet before) {
    Octet matters = matter(before, block[0]);
    for (std::size_t i = 1; i < kPlainBlock; ++i)
        matters |= matter(block[i - 1], block[i]);
    return matters == 0;
}

std::uint64_t lines_of(const Octet* block) {
    std::uint64_t lines = 0;
    for (const Octet* strip = block; strip != block + kPlainBlock; strip += kStrip) {
        Octet in_strip = 0;
        for (std::size_t i = 0; i < kStrip; ++i)
            in_strip = static_cast<Octet>(in_strip + (strip[i] == '\n'));
        lines += in_strip;
    }
    return lines;
}

}  // namespace

PlainBlocks plain_blocks(std::string_view text, char before) {
    PlainBlocks out;
    const auto* octets = reinterpret_cast<const Octet*>(text.data());
    auto last = static_cast<Octet>(before);
    for (; text.size() - out.size >= kPlainBlock; out.size += kPlainBlock) {
        const Octet* block = octets + out.size;
        if (!is_plain(block, last)) break;
        out.lines += lines_of(block);
        last = block[kPlainBlock - 1];
    }
    return out;
}

}  // namespace veredus::smtp
