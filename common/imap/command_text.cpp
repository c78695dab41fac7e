#include "common/imap/command_text.h"

#include <cassert>
#include <limits>
#include <utility>

#include "common/imap/chars.h"

namespace veredus::imap {

std::optional<LiteralMark> literal_mark(std::string_view line) {
    if (line.empty() || line.back() != '}') return std::nullopt;
    std::size_t end = line.size() - 1;
    LiteralMark mark;
    if (end > 0 && line[end - 1] == '+') {
        mark.synchronizing = false;
        --end;
    }
    std::size_t begin = end;
    while (begin > 0 && is_digit(line[begin - 1]))
        --begin;
    if (begin == end || begin == 0 || line[begin - 1] != '{') return std::nullopt;

    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = begin; i < end; ++i) {
        const auto digit = static_cast<std::uint64_t>(line[i] - '0');
        mark.size = mark.size > (kMax - digit) / 10 ? kMax : mark.size * 10 + digit;
    }
    mark.begin = begin - 1;
    return mark;
}

void CommandText::add_line(std::string line) {
    assert(parts_.size() % 2 == 0);
    octets_ += line.size();
    parts_.push_back(std::move(line));
}

void CommandText::add_literal(std::string octets) {
    assert(awaited());
    octets_ += octets.size();
    parts_.push_back(std::move(octets));
}

std::optional<LiteralMark> CommandText::awaited() const {
    if (parts_.size() % 2 == 0) return std::nullopt;
    return literal_mark(parts_.back());
}

bool CommandText::complete() const {
    return parts_.size() % 2 == 1 && !awaited();
}

}  // namespace veredus::imap
