#pragma once

#include <string>
#include <string_view>

namespace veredus::mail {

// RFC 2045 section 6.7. Lenient: what is no escape stands for itself; blanks at the end of a line
// go.
std::string quoted_printable_decode(std::string_view text);
// Lines of at most 76 characters; ends of line (CRLF or LF) stay ends of line, written CRLF.
std::string quoted_printable_encode(std::string_view text);

}  // namespace veredus::mail
