#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/config.h"

namespace veredus::config {

struct OtherValue {};  // a type that no setting has: a date, an array of mixed values

using TomlValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, OtherValue>;

// One "key = value" of a TOML file.
struct TomlEntry {
    std::vector<std::string> path;  // ["queue", "retry_first"]
    std::size_t line = 0;
    std::size_t column = 0;
    TomlValue value;
};

// In the order of the file. The one place that knows the TOML library, which is slow to compile.
std::expected<std::vector<TomlEntry>, ConfigError> read_toml(std::string_view text);

}  // namespace veredus::config
