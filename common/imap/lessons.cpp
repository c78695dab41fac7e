#include "common/imap/lessons.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

// What speakers of other protocols say first.
struct Foreign {
    std::string_view word;
    std::string_view lesson;  // {} is the tag
};
constexpr std::string_view kPop3 = "This is IMAP, where one logs in with: {} LOGIN user password";
constexpr std::string_view kSmtp =
    "This is IMAP, for reading mail; sending it (SMTP) is on another port. Log in with: {} LOGIN "
    "user password";
constexpr std::string_view kHttp = "This is IMAP, not HTTP";
constexpr std::string_view kQuit = "To leave, type: {} LOGOUT";
constexpr std::string_view kHelp =
    "Try: {0} LOGIN user password, then {0} LIST \"\" \"*\", {0} SELECT INBOX, {0} FETCH 1 BODY[], "
    "{0} LOGOUT";
constexpr auto kForeign = std::to_array<Foreign>({
    {"USER", kPop3},
    {"PASS", kPop3},
    {"PASSWORD", kPop3},
    {"AUTH", "Authenticate with: {} AUTHENTICATE PLAIN"},
    {"STLS", "Start TLS with: {} STARTTLS"},
    {"STAT", "See what a mailbox holds with: {} STATUS INBOX (MESSAGES UNSEEN)"},
    {"RETR", "After SELECT read a message with: {} FETCH 1 BODY[]"},
    {"HELO", kSmtp},
    {"EHLO", kSmtp},
    {"LHLO", kSmtp},
    {"GET", kHttp},
    {"POST", kHttp},
    {"HEAD", kHttp},
    {"OPTIONS", kHttp},
    {"QUIT", kQuit},
    {"EXIT", kQuit},
    {"BYE", kQuit},
    {"HELP", kHelp},
    {"?", kHelp},
});

const Foreign* foreign(std::string_view word) {
    const auto* found = std::ranges::find_if(
        kForeign, [&](const Foreign& each) { return equals_ignoring_case(each.word, word); });
    return found == kForeign.end() ? nullptr : found;
}

std::string commands_in(State state) {
    std::string names;
    for (const auto& spec : command_table()) {
        if ((spec.states & static_cast<std::uint8_t>(state)) == 0) continue;
        if (!names.empty()) names += ", ";
        names += spec.name;
    }
    return names;
}

constexpr std::string_view kExampleTag = "m1";

}  // namespace

bool is_foreign_word(std::string_view word) {
    return foreign(word) != nullptr;
}

std::string lesson_without_tag(std::string_view first_word) {
    if (const auto* known = foreign(first_word)) {
        return fmt::format(fmt::runtime(known->lesson), kExampleTag);
    }
    std::string_view usage = "NOOP";
    for (const auto& spec : command_table()) {
        if (equals_ignoring_case(spec.name, first_word)) usage = spec.usage;
    }
    return fmt::format("A command begins with a tag of your choice, as in: {} {}", kExampleTag,
                       usage);
}

std::string lesson_unknown_command(std::string_view tag, std::string_view word, State state) {
    if (word.empty()) return fmt::format("A command follows the tag, as in: {} NOOP", tag);
    if (const auto* known = foreign(word)) return fmt::format(fmt::runtime(known->lesson), tag);
    return fmt::format("No such command as \"{}\"; there are {}", word.substr(0, 40),
                       commands_in(state));
}

std::string lesson_wrong_state(std::string_view tag, const CommandSpec& spec, State state) {
    if (state == State::kNotAuthenticated) {
        return fmt::format("{} needs a login first, as in: {} LOGIN user password", spec.name, tag);
    }
    if (state == State::kAuthenticated &&
        (spec.states & static_cast<std::uint8_t>(State::kSelected)) != 0) {
        return fmt::format("{} needs a selected mailbox, as in: {} SELECT INBOX", spec.name, tag);
    }
    return fmt::format("{} is for before the login, and you are logged in", spec.name);
}

std::string lesson_arguments(std::string_view tag, const CommandSpec& spec,
                             std::string_view error) {
    return fmt::format("{}; an example: {} {}", error, tag, spec.usage);
}

}  // namespace veredus::imap
