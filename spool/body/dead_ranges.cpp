#include "spool/body/dead_ranges.h"

#include <algorithm>

#include "spool/body/record.h"

namespace veredus::spool {
namespace {

// Between two messages stand a record's end and the next one's line. What is shorter than two of
// either holds no third message, not even an empty one.
constexpr std::uint32_t kNobodyBetween = 2 * (kRecordEnd.size() + kShortestHead) - 1;

}  // namespace

void DeadRanges::add(std::uint64_t start, std::uint64_t end) {
    ranges_.push_back(
        {{static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end)}, false});
    fresh_ += end - start;
}

std::vector<DeadRanges::Range> DeadRanges::take() {
    fresh_ = 0;
    std::ranges::sort(ranges_, {}, &Known::start);
    std::vector<Known> joined;
    for (const auto& range : ranges_) {
        if (joined.empty() || range.start > joined.back().end + kNobodyBetween) {
            joined.push_back(range);
            continue;
        }
        joined.back().end = std::max(joined.back().end, range.end);
        joined.back().taken = false;
    }
    ranges_ = std::move(joined);
    std::vector<Range> grown;
    for (auto& range : ranges_) {
        if (!range.taken) grown.push_back(range);
        range.taken = true;
    }
    return grown;
}

}  // namespace veredus::spool
