#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/config/config.h"
#include "common/config/toml_file.h"

namespace veredus::config {

// Where a setting's value stands in a Config; the type says how it is written in the file.
using Place =
    std::variant<bool& (*)(Config&), unsigned& (*)(Config&), std::uint64_t& (*)(Config&),
                 Duration& (*)(Config&), std::string& (*)(Config&),
                 std::vector<std::string>& (*)(Config&), std::optional<NextHop>& (*)(Config&)>;

struct Setting {
    std::string_view key;  // "queue.retry_first"
    Place place;
    std::string_view help;  // what it does, for people; lines end in \n
    // Checks, and brings into its one spelling, what is in `config`; empty if all is well, else
    // what was expected. Null: every value of the type will do.
    std::string (*check)(Config& config) = nullptr;

    std::string_view section() const;  // "queue"; empty at the top
    std::string_view name() const;     // "retry_first"
};

// Every setting but those of [routes] and [destinations], in the order of the example file, a
// section's settings together.
std::span<const Setting> settings();

// The value as it stands in the file: "5m" in quotes, true, ["a", "b"].
std::string value_text(const Setting& setting, const Config& config);
// Reads `value` into the setting's place; the error says what was expected, with an example.
std::expected<void, std::string> store(const Setting& setting, const TomlValue& value,
                                       Config& config);

// The known word nearest to `word` if it is near enough to be a slip of the hand; else empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace veredus::config
