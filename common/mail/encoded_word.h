#pragma once

#include <string>
#include <string_view>

namespace veredus::mail {

// An unfolded header value with its encoded words (RFC 2047, RFC 2231 section 5) decoded, as UTF-8.
// Words of an unknown charset or encoding stay as they stand. Characters that were split between
// adjacent words are put together, and words that touch other text are decoded too.
std::string decode_words(std::string_view value);

}  // namespace veredus::mail
