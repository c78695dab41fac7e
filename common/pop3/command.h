#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace veredus::pop3 {

// Bytes of a command line without its CRLF. RFC 2449, 4 asks for 253; RFC 5034, 4 for 12,286 in
// AUTH.
inline constexpr std::size_t kLineMax = 12286;

enum class Verb {
    user,
    pass,
    auth,
    stls,
    capa,
    stat,
    list,
    retr,
    dele,
    noop,
    rset,
    top,
    uidl,
    quit
};

// RFC 1939, 3. A session's UPDATE state accepts no commands.
enum class State : std::uint8_t { authorization = 1, transaction = 2 };

enum class Arguments : std::uint8_t {
    none,
    text,           // the rest of the line, spaces included
    optional_text,  // the same, or nothing
    message,        // the number of a message
    optional_message,
    message_and_lines,
};

// One line of the table of commands.
struct CommandRow {
    Verb verb;
    std::string_view name;  // in capitals
    std::uint8_t states;    // State bits it may be said in
    Arguments arguments;
    std::string_view example;  // for errors and for people
};

std::span<const CommandRow> commands();

struct Command {
    Verb verb = Verb::noop;
    std::string text;                      // USER, PASS, AUTH
    std::optional<std::uint32_t> message;  // 1 is the first
    std::uint32_t lines = 0;               // TOP
};

// A command line as the client sent it, without CRLF. The error is the text of the answer after
// "-ERR ", which says what was expected.
std::expected<Command, std::string> parse_command(std::string_view line, State state);

std::string upper_case(std::string_view text);

}  // namespace veredus::pop3
