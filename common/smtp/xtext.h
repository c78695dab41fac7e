#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace veredus::smtp {

// RFC 3461, 4: how a parameter's value carries bytes that a value may not have. Any bytes in.
std::string xtext_encode(std::string_view bytes);
// Nothing if `text` is no xtext. Lower-case digits after '+' are taken too: clients send them.
std::optional<std::string> xtext_decode(std::string_view text);

}  // namespace veredus::smtp
