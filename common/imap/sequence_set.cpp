#include "common/imap/sequence_set.h"

#include <algorithm>

namespace veredus::imap {

bool SequenceSet::has_star() const {
    return std::ranges::any_of(
        ranges_, [](const Range& range) { return range.first == kStar || range.last == kStar; });
}

std::uint32_t SequenceSet::largest_named() const {
    std::uint32_t largest = 0;
    for (const auto& range : ranges_)
        largest = std::max({largest, range.first, range.last});
    return largest;
}

std::vector<SequenceSet::Range> SequenceSet::resolved(std::uint32_t largest) const {
    std::vector<Range> sorted;
    sorted.reserve(ranges_.size());
    for (auto [first, last] : ranges_) {
        if (first == kStar) first = largest;
        if (last == kStar) last = largest;
        if (first == 0 || last == 0) continue;
        sorted.push_back({std::min(first, last), std::max(first, last)});
    }
    std::ranges::sort(sorted, {}, &Range::first);

    std::vector<Range> merged;
    for (const auto& range : sorted) {
        const bool joins = !merged.empty() && range.first - 1 <= merged.back().last;
        if (joins) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

bool contains(const std::vector<SequenceSet::Range>& resolved, std::uint32_t number) {
    const auto after = std::ranges::upper_bound(resolved, number, {}, &SequenceSet::Range::first);
    return after != resolved.begin() && std::prev(after)->last >= number;
}

std::string set_text(const std::vector<std::uint32_t>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        if (!text.empty()) text += ',';
        text += std::to_string(numbers[i]);
        if (end - i > 1) text += ':' + std::to_string(numbers[end - 1]);
        i = end;
    }
    return text;
}

}  // namespace veredus::imap
