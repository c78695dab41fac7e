// How each type of value is written in the file, and read from it.
#include <limits>

#include <fmt/format.h>

#include "common/config/settings.h"

namespace veredus::config {
namespace {

using Outcome = std::expected<void, std::string>;

std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

Outcome read(const TomlValue& value, bool& place) {
    const auto* boolean = std::get_if<bool>(&value);
    if (!boolean) return std::unexpected("expected true or false");
    place = *boolean;
    return {};
}

Outcome read(const TomlValue& value, unsigned& place) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number || *number < 0 || *number > std::numeric_limits<int>::max())
        return std::unexpected("expected a whole number without quotes, e.g. 100");
    place = static_cast<unsigned>(*number);
    return {};
}

Outcome read(const TomlValue& value, std::uint64_t& place) {
    const auto* text = std::get_if<std::string>(&value);
    const auto size = text ? parse_size(*text) : std::nullopt;
    if (!size) return std::unexpected("expected a size in quotes with its unit, e.g. \"50MiB\"");
    place = *size;
    return {};
}

Outcome read(const TomlValue& value, Duration& place) {
    const auto* text = std::get_if<std::string>(&value);
    const auto duration = text ? parse_duration(*text) : std::nullopt;
    if (!duration)
        return std::unexpected(
            "expected a duration in quotes with its unit (s, m, h, d), e.g. \"5m\"");
    place = *duration;
    return {};
}

Outcome read(const TomlValue& value, std::string& place) {
    const auto* text = std::get_if<std::string>(&value);
    if (!text) return std::unexpected("expected a text in quotes");
    place = *text;
    return {};
}

Outcome read(const TomlValue& value, std::vector<std::string>& place) {
    const auto* texts = std::get_if<std::vector<std::string>>(&value);
    if (!texts) return std::unexpected("expected a list of texts, e.g. [\"one\", \"two\"]");
    place = *texts;
    return {};
}

Outcome read(const TomlValue& value, std::optional<NextHop>& place) {
    const auto* text = std::get_if<std::string>(&value);
    if (!text) return std::unexpected("expected a text in quotes, e.g. \"[mx.example.org]:25\"");
    place.reset();
    if (text->empty()) return {};
    auto hop = NextHop::parse(*text);
    if (!hop) return std::unexpected(hop.error());
    place = std::move(*hop);
    return {};
}

std::string text_of(bool value) {
    return value ? "true" : "false";
}
std::string text_of(unsigned value) {
    return fmt::format("{}", value);
}
std::string text_of(std::uint64_t value) {
    return in_quotes(size_text(value));
}
std::string text_of(Duration value) {
    return in_quotes(duration_text(value));
}
std::string text_of(const std::string& value) {
    return in_quotes(value);
}
std::string text_of(const std::optional<NextHop>& value) {
    return in_quotes(value ? value->text() : "");
}
std::string text_of(const std::vector<std::string>& value) {
    std::string list;
    for (const std::string& text : value)
        list += (list.empty() ? "" : ", ") + in_quotes(text);
    return "[" + list + "]";
}

}  // namespace

std::string value_text(const Setting& setting, const Config& config) {
    // A place is a path to a field; reading through it changes nothing.
    auto& readable = const_cast<Config&>(config);
    return std::visit([&](const auto place) { return text_of(place(readable)); }, setting.place);
}

std::expected<void, std::string> store(const Setting& setting, const TomlValue& value,
                                       Config& config) {
    return std::visit([&](const auto place) { return read(value, place(config)); }, setting.place);
}

}  // namespace veredus::config
