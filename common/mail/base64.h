#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace veredus::mail {

// RFC 4648 section 4, padded, no line breaks.
std::string base64_encode(std::string_view bytes);
// Strict: nothing but the alphabet and right padding (RFC 4954 section 4 wants such).
std::optional<std::string> base64_decode(std::string_view text);
// RFC 2045 section 6.8: characters outside the alphabet are skipped; ends at padding that
// completes a group, and takes up again where another run follows, as joined encoders write it.
std::string base64_decode_mime(std::string_view text);

}  // namespace veredus::mail
