#pragma once

#include <string>
#include <string_view>

namespace veredus::spool {

// A password as it is kept: libsodium's Argon2id string ("$argon2id$v=19$m=…"), which carries its
// own version, salt and cost. Both calls take some 50 ms and 64 MiB by design: not for an event
// loop's thread.
std::string hash_password(std::string_view password);
bool password_matches(std::string_view hash, std::string_view password);
// As much work as a real check, for a user who does not exist: the time of the answer tells
// nothing.
void check_nothing(std::string_view password);

}  // namespace veredus::spool
