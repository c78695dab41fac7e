#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "common/config/config.h"
#include "common/config/toml_file.h"

namespace veredus::config {

// The left side of [routes] and [destinations], in lower case: "peer.example", "*.peer.example" for
// all below it, "*" for any.
bool is_destination_pattern(std::string_view pattern);
bool matches(std::string_view pattern, std::string_view name);

// Reads `value` into the limit of this name; the error says what was expected, or which name.
std::expected<void, std::string> store_limit(std::string_view name, const TomlValue& value,
                                             DestinationLimits& limits);
// As they stand in the file: "{ connections = 5, rate = \"60/m\" }".
std::string limits_text(const DestinationLimits& limits);

}  // namespace veredus::config
