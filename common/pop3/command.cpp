#include "common/pop3/command.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/pop3/lessons.h"

namespace veredus::pop3 {
namespace {

constexpr auto kBefore = static_cast<std::uint8_t>(State::authorization);
constexpr auto kAfter = static_cast<std::uint8_t>(State::transaction);

constexpr std::array kCommands{
    CommandRow{Verb::user, "USER", kBefore, Arguments::text, "USER name"},
    CommandRow{Verb::pass, "PASS", kBefore, Arguments::text, "PASS password"},
    CommandRow{Verb::auth, "AUTH", kBefore, Arguments::optional_text, "AUTH PLAIN"},
    CommandRow{Verb::stls, "STLS", kBefore, Arguments::none, "STLS"},
    CommandRow{Verb::capa, "CAPA", kBefore | kAfter, Arguments::none, "CAPA"},
    CommandRow{Verb::stat, "STAT", kAfter, Arguments::none, "STAT"},
    CommandRow{Verb::list, "LIST", kAfter, Arguments::optional_message, "LIST or LIST 1"},
    CommandRow{Verb::retr, "RETR", kAfter, Arguments::message, "RETR 1"},
    CommandRow{Verb::dele, "DELE", kAfter, Arguments::message, "DELE 1"},
    CommandRow{Verb::noop, "NOOP", kAfter, Arguments::none, "NOOP"},
    CommandRow{Verb::rset, "RSET", kAfter, Arguments::none, "RSET"},
    CommandRow{Verb::top, "TOP", kAfter, Arguments::message_and_lines, "TOP 1 10"},
    CommandRow{Verb::uidl, "UIDL", kAfter, Arguments::optional_message, "UIDL or UIDL 1"},
    CommandRow{Verb::quit, "QUIT", kBefore | kAfter, Arguments::none, "QUIT"},
};

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t'))
        text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t'))
        text.remove_suffix(1);
    return text;
}

// The first word of `text`, which loses it and the spaces after it.
std::string_view take_word(std::string_view& text) {
    const auto word = text.substr(0, text.find_first_of(" \t"));
    text = trimmed(text.substr(word.size()));
    return word;
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Reads what follows the verb into `command`; whether it is what the row asks for.
bool read_arguments(const CommandRow& row, std::string_view rest, Command& command) {
    if (row.arguments == Arguments::none) return rest.empty();
    if (row.arguments == Arguments::text || row.arguments == Arguments::optional_text) {
        command.text = rest;
        return !rest.empty() || row.arguments == Arguments::optional_text;
    }
    if (rest.empty()) return row.arguments == Arguments::optional_message;
    command.message = number(take_word(rest));
    if (!command.message || *command.message == 0) return false;
    if (row.arguments == Arguments::message_and_lines) {
        const auto lines = number(take_word(rest));
        if (!lines) return false;
        command.lines = *lines;
    }
    return rest.empty();
}

std::string out_of_place(const CommandRow& row, State state) {
    if (state == State::authorization)
        return fmt::format("{} comes after login: say USER name, then PASS password", row.name);
    return fmt::format("you are logged in already; {} comes before login", row.name);
}

}  // namespace

std::span<const CommandRow> commands() {
    return kCommands;
}

std::string upper_case(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return result;
}

std::expected<Command, std::string> parse_command(std::string_view line, State state) {
    if (line.find('\0') != std::string_view::npos)
        return std::unexpected("a command has no NUL in it");
    std::string_view rest = trimmed(line);
    const std::string_view raw_arguments = rest;
    const std::string verb = upper_case(take_word(rest));
    const auto row = std::ranges::find(kCommands, verb, &CommandRow::name);
    if (row == kCommands.end()) return std::unexpected(lesson(line, state));
    if ((row->states & static_cast<std::uint8_t>(state)) == 0)
        return std::unexpected(out_of_place(*row, state));

    Command command{row->verb, {}, {}, 0};
    // RFC 1939, 7: a password may hold spaces, also at its ends: only the one after PASS is not
    // its.
    if (row->verb == Verb::pass && raw_arguments.size() > verb.size())
        rest = line.substr(line.find_first_not_of(" \t") + verb.size() + 1);
    if (!read_arguments(*row, rest, command))
        return std::unexpected(fmt::format("{} is said like this: {}", row->name, row->example));
    return command;
}

}  // namespace veredus::pop3
