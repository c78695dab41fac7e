#pragma once

#include <string>
#include <string_view>

namespace veredus::mail {

// Appends `text` as a JSON string, in quotes (RFC 8259 section 7). Where it is not UTF-8 as a
// whole, each byte beyond ASCII becomes U+FFFD. For the lines of which there are millions;
// elsewhere a library writes JSON.
void append_json_string(std::string_view text, std::string& out);

}  // namespace veredus::mail
