#include "daemons/queued/last_errors.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace veredus::queued {

void LastErrors::failed(const std::string& next_hop, std::string why, std::int64_t now_us) {
    if (errors_.size() == kMost && !errors_.contains(next_hop)) {
        const auto oldest = std::ranges::min_element(
            errors_, {}, [](const auto& error) { return error.second.at_us; });
        errors_.erase(oldest);
    }
    errors_[next_hop] = {std::move(why), now_us};
}

std::string_view LastErrors::at(const std::string& next_hop) const {
    const auto found = errors_.find(next_hop);
    return found == errors_.end() ? std::string_view() : found->second.why;
}

std::vector<std::string> LastErrors::since(std::int64_t then_us) const {
    std::vector<std::pair<std::int64_t, std::string>> found;
    for (const auto& [next_hop, error] : errors_)
        if (error.at_us >= then_us) found.emplace_back(error.at_us, next_hop);
    std::ranges::sort(found, std::greater());
    std::vector<std::string> next_hops;
    for (auto& [at_us, next_hop] : found)
        next_hops.push_back(std::move(next_hop));
    return next_hops;
}

}  // namespace veredus::queued
