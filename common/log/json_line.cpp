#include "common/log/json_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace veredus::log {
namespace {

using Json = nlohmann::ordered_json;

std::string rfc3339(const std::timespec& time) {
    std::tm utc{};
    ::gmtime_r(&time.tv_sec, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       time.tv_nsec / 1000);
}

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || c == '-';
}

// Takes "key=value" from the front of `rest`; nothing where it does not begin so.
std::optional<std::pair<std::string_view, std::string_view>> take_field(std::string_view& rest) {
    const auto key_end = std::ranges::find_if_not(rest, is_key_character);
    const auto key = rest.substr(0, static_cast<std::size_t>(key_end - rest.begin()));
    if (key.empty() || key_end == rest.end() || *key_end != '=') return std::nullopt;
    std::string_view value = rest.substr(key.size() + 1);
    std::size_t length = 0;
    if (value.starts_with('<')) {
        length = value.find(">, ");  // a quoted local part may have a '>' in it
        if (length == std::string_view::npos) length = value.rfind('>');
        if (length == std::string_view::npos) return std::nullopt;
        rest = value.substr(length + 1);
        value = value.substr(1, length - 1);
    } else {
        length = std::min({value.find(", "), value.find(" ("), value.size()});
        rest = value.substr(length);
        value = value.substr(0, length);
    }
    return std::pair(key, value);
}

Json fields_of(std::string_view message) {
    Json fields;
    std::string_view rest = message;
    while (const auto field = take_field(rest)) {
        fields[std::string(field->first)] = field->second;
        if (!rest.starts_with(", ")) break;
        rest.remove_prefix(2);
    }
    if (!fields.empty() && rest.starts_with(" (") && rest.ends_with(')'))
        fields["text"] = rest.substr(2, rest.size() - 3);
    return fields;
}

}  // namespace

std::string json_line(const Event& event) {
    Json line{{"time", rfc3339(event.time)},
              {"level", event.level},
              {"program", event.program},
              {"pid", event.pid}};
    if (!event.queue_id.empty()) line["queue_id"] = event.queue_id;
    line["message"] = event.message;
    if (Json fields = fields_of(event.message); !fields.empty()) line["fields"] = std::move(fields);
    return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace veredus::log
