#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace veredus::mail {

bool is_utf8(std::string_view bytes);

// `bytes` in `charset` (a name of RFC 2978's registry or a usual slip for one) as UTF-8; what
// cannot be converted becomes U+FFFD. Nothing if the charset is unknown.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// Bytes of which nobody said the charset: kept if they are UTF-8, taken as windows-1252 otherwise.
std::string guess_utf8(std::string_view bytes);

}  // namespace veredus::mail
