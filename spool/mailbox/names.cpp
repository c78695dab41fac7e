#include "spool/mailbox/names.h"

#include <strings.h>
#include <algorithm>

namespace veredus::spool {
namespace {

constexpr std::size_t kLongestName = 1000;
constexpr std::string_view kInbox = "INBOX";

}  // namespace

std::string canonical_mailbox_name(std::string_view name) {
    std::string out(name);
    const bool first_level =
        name.size() == kInbox.size() ||
        (name.size() > kInbox.size() && name[kInbox.size()] == kHierarchySeparator);
    if (first_level && ::strncasecmp(out.data(), kInbox.data(), kInbox.size()) == 0)
        out.replace(0, kInbox.size(), kInbox);
    return out;
}

bool valid_mailbox_name(std::string_view name) {
    if (name.empty() || name.size() > kLongestName) return false;
    if (name.front() == kHierarchySeparator || name.back() == kHierarchySeparator ||
        name.contains("//"))
        return false;
    return std::ranges::none_of(
        name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::vector<std::string> levels_above(std::string_view name) {
    std::vector<std::string> out;
    for (auto at = name.find(kHierarchySeparator); at != std::string_view::npos;
         at = name.find(kHierarchySeparator, at + 1))
        out.emplace_back(name.substr(0, at));
    return out;
}

}  // namespace veredus::spool
