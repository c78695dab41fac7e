#include "spool/ledger/search.h"

#include <algorithm>

namespace veredus::spool {
namespace {

constexpr auto kFold = [] {
    std::array<char, 256> fold{};
    for (std::size_t c = 0; c < fold.size(); ++c)
        fold[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return fold;
}();

char folded(char c) {
    return kFold[static_cast<unsigned char>(c)];
}

bool same(char one, char other) {
    return folded(one) == folded(other);
}

}  // namespace

bool same_text(std::string_view one, std::string_view other) {
    return std::ranges::equal(one, other, same);
}

TextSearch::TextSearch(std::string_view text) : text_(text) {
    std::ranges::transform(text_, text_.begin(), folded);
    const auto size = static_cast<std::uint32_t>(text_.size());
    // How far the text moves so that its next equal byte comes under this one.
    std::array<std::uint32_t, 256> by_folded;
    by_folded.fill(size);
    for (std::uint32_t at = 0; at + 1 < size; ++at)
        by_folded[static_cast<unsigned char>(text_[at])] = size - 1 - at;
    const auto last = static_cast<unsigned char>(text_.back());
    skip_after_match_ = by_folded[last];
    by_folded[last] = 0;
    for (std::size_t c = 0; c < skip_.size(); ++c)
        skip_[c] = by_folded[static_cast<unsigned char>(kFold[c])];
}

std::size_t TextSearch::find(std::string_view in, std::size_t from) const {
    const auto size = text_.size();
    for (std::size_t last = from + size - 1; last < in.size();) {
        const auto skip = skip_[static_cast<unsigned char>(in[last])];
        if (skip != 0) {
            last += skip;
            continue;
        }
        const auto start = last + 1 - size;
        if (same_text(in.substr(start, size), text_)) return start;
        last += skip_after_match_;
    }
    return std::string_view::npos;
}

}  // namespace veredus::spool
