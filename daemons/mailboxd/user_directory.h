#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace veredus::mailboxd {

// Where a user's mail lies below mail/: "alice@example.org" → {"example.org", "alice"}. Bytes that
// are not letters, digits or one of "._+-=" are written as %XX, and so is a dot at the beginning:
// every address has a place of its own, and none leads elsewhere. Empty for what is not an address.
std::vector<std::string> user_directory(std::string_view user);

}  // namespace veredus::mailboxd
