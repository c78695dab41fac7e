// The filters of `veredus queue`, a word a line: whatever is typed is a filter or a sentence that
// says why not, and what it means does not depend on the order of its words.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "common/mailq/filter.h"

using namespace veredus;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::int64_t kNow = 1'793'700'000'000'000;
    std::istringstream input(std::string(reinterpret_cast<const char*>(data), size));
    std::vector<std::string> words;
    for (std::string word; std::getline(input, word);)
        words.push_back(word);
    const auto filter = mailq::parse_filter(words, kNow);
    if (!filter) {
        require(!filter.error().empty());
        return 0;
    }
    require(std::ranges::is_sorted(filter->ids));
    require(filter->ids.size() + filter->terms.size() <= words.size());
    for (const auto& term : filter->terms) {
        require(term.key <= mail::FilterKey::last_);
        require(term.number >= 0);
        require(term.key != mail::FilterKey::older || term.number <= kNow);
    }
    std::ranges::reverse(words);
    auto reversed = mailq::parse_filter(words, kNow);
    require(reversed.has_value());
    std::ranges::reverse(reversed->terms);
    require(*reversed == *filter);
    return 0;
}
