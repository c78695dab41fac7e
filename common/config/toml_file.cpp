#include "common/config/toml_file.h"

#include <algorithm>
#include <tuple>

#include <toml++/toml.h>

namespace veredus::config {
namespace {

TomlValue value_of(const toml::node& node) {
    if (const auto* boolean = node.as_boolean()) return boolean->get();
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* real = node.as_floating_point()) return real->get();
    if (const auto* string = node.as_string()) return string->get();
    if (const auto* array = node.as_array()) {
        std::vector<std::string> strings;
        for (const toml::node& element : *array) {
            const auto* string = element.as_string();
            if (!string) return OtherValue{};
            strings.push_back(string->get());
        }
        return strings;
    }
    return OtherValue{};
}

void collect(const toml::table& table, const std::vector<std::string>& prefix,
             std::vector<TomlEntry>& entries) {
    for (const auto& [key, node] : table) {
        std::vector<std::string> path = prefix;
        path.emplace_back(key.str());
        if (const auto* inner = node.as_table()) {
            collect(*inner, path, entries);
            continue;
        }
        const toml::source_position at = key.source().begin;
        entries.push_back({std::move(path), at.line, at.column, value_of(node)});
    }
}

}  // namespace

std::expected<std::vector<TomlEntry>, ConfigError> read_toml(std::string_view text) {
    try {
        const toml::table table = toml::parse(text);
        std::vector<TomlEntry> entries;
        collect(table, {}, entries);
        // The library's tables are sorted by key.
        std::ranges::sort(entries, {}, [](const TomlEntry& entry) {
            return std::tuple(entry.line, entry.column);
        });
        return entries;
    } catch (const toml::parse_error& error) {
        return std::unexpected(
            ConfigError{error.source().begin.line, "", std::string(error.description())});
    }
}

}  // namespace veredus::config
