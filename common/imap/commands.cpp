#include "common/imap/commands.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/imap/arguments.h"
#include "common/imap/chars.h"
#include "common/imap/lessons.h"

namespace veredus::imap {

namespace {

constexpr std::uint8_t kBefore = static_cast<std::uint8_t>(State::kNotAuthenticated);
constexpr std::uint8_t kSelected = static_cast<std::uint8_t>(State::kSelected);
constexpr std::uint8_t kAfter = static_cast<std::uint8_t>(State::kAuthenticated) | kSelected;
constexpr std::uint8_t kAlways = kBefore | kAfter;

// name, verb, states, uid, by_number, secret, arguments, usage
constexpr auto kTable = std::to_array<CommandSpec>({
    // RFC 3501 section 6.1; RFC 2971
    {"CAPABILITY", Verb::kCapability, kAlways, false, false, false, arguments::none, "CAPABILITY"},
    {"NOOP", Verb::kNoop, kAlways, false, false, false, arguments::none, "NOOP"},
    {"LOGOUT", Verb::kLogout, kAlways, false, false, false, arguments::none, "LOGOUT"},
    {"ID", Verb::kId, kAlways, false, false, false, arguments::id, "ID NIL"},
    // Section 6.2
    {"STARTTLS", Verb::kStartTls, kBefore, false, false, false, arguments::none, "STARTTLS"},
    {"LOGIN", Verb::kLogin, kBefore, false, false, true, arguments::login, "LOGIN user password"},
    {"AUTHENTICATE", Verb::kAuthenticate, kBefore, false, false, true, arguments::authenticate,
     "AUTHENTICATE PLAIN"},
    // Section 6.3; RFC 2342, 5161, 2177
    {"SELECT", Verb::kSelect, kAfter, false, false, false, arguments::mailbox, "SELECT INBOX"},
    {"EXAMINE", Verb::kExamine, kAfter, false, false, false, arguments::mailbox, "EXAMINE INBOX"},
    {"CREATE", Verb::kCreate, kAfter, false, false, false, arguments::create, "CREATE Letters"},
    {"DELETE", Verb::kDelete, kAfter, false, false, false, arguments::mailbox, "DELETE Letters"},
    {"RENAME", Verb::kRename, kAfter, false, false, false, arguments::rename,
     "RENAME Letters Post"},
    {"SUBSCRIBE", Verb::kSubscribe, kAfter, false, false, false, arguments::mailbox,
     "SUBSCRIBE Letters"},
    {"UNSUBSCRIBE", Verb::kUnsubscribe, kAfter, false, false, false, arguments::mailbox,
     "UNSUBSCRIBE Letters"},
    {"LIST", Verb::kList, kAfter, false, false, false, arguments::list, "LIST \"\" \"*\""},
    {"LSUB", Verb::kLsub, kAfter, false, false, false, arguments::lsub, "LSUB \"\" \"*\""},
    {"STATUS", Verb::kStatus, kAfter, false, false, false, arguments::status,
     "STATUS INBOX (MESSAGES UNSEEN)"},
    {"APPEND", Verb::kAppend, kAfter, false, false, false, arguments::append,
     "APPEND Sent (\\Seen) {310}"},
    {"NAMESPACE", Verb::kNamespace, kAfter, false, false, false, arguments::none, "NAMESPACE"},
    {"ENABLE", Verb::kEnable, kAfter, false, false, false, arguments::enable, "ENABLE CONDSTORE"},
    {"IDLE", Verb::kIdle, kAfter, false, false, false, arguments::none, "IDLE"},
    // Section 6.4; RFC 3691, 6851, 4315
    {"CHECK", Verb::kCheck, kSelected, false, false, false, arguments::none, "CHECK"},
    {"CLOSE", Verb::kClose, kSelected, false, false, false, arguments::none, "CLOSE"},
    {"UNSELECT", Verb::kUnselect, kSelected, false, false, false, arguments::none, "UNSELECT"},
    {"EXPUNGE", Verb::kExpunge, kSelected, false, false, false, arguments::expunge, "EXPUNGE"},
    {"SEARCH", Verb::kSearch, kSelected, false, true, false, arguments::search,
     "SEARCH UNSEEN FROM smith"},
    {"FETCH", Verb::kFetch, kSelected, false, true, false, arguments::fetch,
     "FETCH 1:5 (FLAGS ENVELOPE)"},
    {"STORE", Verb::kStore, kSelected, false, true, false, arguments::store,
     "STORE 1 +FLAGS (\\Seen)"},
    {"COPY", Verb::kCopy, kSelected, false, false, false, arguments::copy, "COPY 1:5 Letters"},
    {"MOVE", Verb::kMove, kSelected, false, false, false, arguments::copy, "MOVE 1:5 Letters"},
    {"UID EXPUNGE", Verb::kExpunge, kSelected, true, false, false, arguments::uid_expunge,
     "UID EXPUNGE 17:20"},
    {"UID SEARCH", Verb::kSearch, kSelected, true, false, false, arguments::search,
     "UID SEARCH UNSEEN FROM smith"},
    {"UID FETCH", Verb::kFetch, kSelected, true, false, false, arguments::fetch,
     "UID FETCH 17:20 (FLAGS ENVELOPE)"},
    {"UID STORE", Verb::kStore, kSelected, true, false, false, arguments::store,
     "UID STORE 17 +FLAGS (\\Seen)"},
    {"UID COPY", Verb::kCopy, kSelected, true, false, false, arguments::copy,
     "UID COPY 17:20 Letters"},
    {"UID MOVE", Verb::kMove, kSelected, true, false, false, arguments::copy,
     "UID MOVE 17:20 Letters"},
});

const CommandSpec* find_command(std::string_view name) {
    const auto* found = std::ranges::find_if(
        kTable, [&](const CommandSpec& spec) { return equals_ignoring_case(spec.name, name); });
    return found == kTable.end() ? nullptr : found;
}

bool is_command(std::string_view word) {
    return find_command(word) != nullptr || equals_ignoring_case(word, "UID");
}

std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find(' '));
}

// A command's name stands where the tag belongs: "LOGIN alice secret", "NOOP", "HELP".
bool lacks_tag(std::string_view line) {
    const auto first = first_word(line);
    if (!is_command(first) && !is_foreign_word(first)) return false;
    if (first.size() == line.size() || equals_ignoring_case(first, "UID")) return true;
    return !is_command(first_word(line.substr(first.size() + 1)));
}

Refusal refusal(std::string_view tag, std::string text) {
    return Refusal{std::string(tag), bad(std::move(text))};
}

}  // namespace

std::span<const CommandSpec> command_table() {
    return kTable;
}

Parsed parse_command(const CommandText& text, State state) {
    const std::string& line = text.parts().front();
    if (line.empty() || !is_tag_char(line.front()) || lacks_tag(line)) {
        return refusal(kUntagged, lesson_without_tag(first_word(line)));
    }
    Command command;
    Parser parser(text);
    try {
        command.tag = parser.must_tag();
        if (!parser.at_end()) parser.must_space();
    } catch (const SyntaxError&) {
        return refusal(kUntagged, lesson_without_tag({}));
    }
    try {
        std::string name = upper(parser.take_atom().value_or(""));
        if (name == "UID" && parser.take(' ')) name += ' ' + upper(parser.take_atom().value_or(""));
        command.spec = find_command(name);
        if (command.spec == nullptr) {
            return refusal(command.tag, lesson_unknown_command(command.tag, name, state));
        }
        if ((command.spec->states & static_cast<std::uint8_t>(state)) == 0) {
            return refusal(command.tag, lesson_wrong_state(command.tag, *command.spec, state));
        }
        command.arguments = command.spec->must_arguments(parser);
        if (command.spec->verb != Verb::kAppend) parser.must_end();
        return command;
    } catch (const LiteralAwaited& awaited) {
        return awaited;
    } catch (const SyntaxError& error) {
        return refusal(command.tag, lesson_arguments(command.tag, *command.spec, error.what()));
    }
}

std::string capabilities_before_login(bool starttls, bool login) {
    std::string list = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE";
    if (starttls) list += " STARTTLS";
    list += login ? " AUTH=PLAIN AUTH=LOGIN" : " LOGINDISABLED";
    return list;
}

std::string capabilities_after_login() {
    return "IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE CHILDREN LIST-EXTENDED SPECIAL-USE "
           "CREATE-SPECIAL-USE UIDPLUS MOVE UNSELECT";
}

}  // namespace veredus::imap
