#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace veredus::mail {

// What aliases(5) and ~/.forward may name besides addresses: a program "|command", a file "/path"
// (with a slash at its end a Maildir), a list ":include:/path", and "\name", the user's own mailbox
// whatever his ~/.forward says.
bool is_host_target(std::string_view target);
bool is_list(std::string_view target);

// In the queue such a target is a recipient of its own, as sendmail writes it:
// "|/usr/bin/procmail"@example.org, the domain being that of the address which led to it. An
// address from outside may look like this; what it may do is for locald to say, who looks whether
// the target stands where it claims to come from.
std::string host_target_address(std::string_view target, std::string_view domain);
// The target in an address of that kind; nothing for any other.
std::optional<std::string> host_target_of(std::string_view address);

}  // namespace veredus::mail
