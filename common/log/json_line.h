#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace veredus::log {

// An event as a line of JSON, for programs that would otherwise take the text apart: "time" (RFC
// 3339, UTC, microseconds), "level", "program", "pid", "queue_id" where it has one, "message", and
// of a message that reads "key=value, key=<value>, status=sent (text)" those as "fields" besides,
// the text in parentheses as "text". All texts are UTF-8 without control characters.
struct Event {
    std::timespec time{};
    std::string_view level;    // "info", "warning", "error", "debug"
    std::string_view program;  // "veredus/smtpd"
    int pid = 0;
    std::string_view queue_id;
    std::string_view message;
};
std::string json_line(const Event& event);

}  // namespace veredus::log
