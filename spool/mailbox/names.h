#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace veredus::spool {

inline constexpr char kHierarchySeparator = '/';

// "INBOX" in any case is INBOX (RFC 3501 5.1), also as the first level of a longer name; the rest
// is as it is.
std::string canonical_mailbox_name(std::string_view name);
// A name that can be made: no empty level, no control character, not longer than 1,000 bytes.
bool valid_mailbox_name(std::string_view name);
// "a/b/c": "a", "a/b".
std::vector<std::string> levels_above(std::string_view name);

}  // namespace veredus::spool
