#include "common/imap/parser.h"

#include <fmt/format.h>

#include <limits>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

constexpr std::size_t kFoundSizeMax = 24;

// list-char, and what people put into passwords and clients into names besides: "%", "*" and 8-bit
// octets stand for themselves where no pattern is expected.
constexpr bool is_word_char(char c) {
    return is_list_char(c) || is_8bit(c);
}
constexpr bool is_flag_text(char c) {
    return c != ' ' && c != '(' && c != ')';
}

}  // namespace

std::string_view Parser::here() const {
    return std::string_view(text_.parts()[part_]).substr(at_);
}

template <class Class>
std::string_view Parser::take_all(Class is_member) {
    const auto rest = here();
    std::size_t size = 0;
    while (size < rest.size() && is_member(rest[size]))
        ++size;
    at_ += size;
    return rest.substr(0, size);
}

bool Parser::at_end() const {
    return here().empty() && part_ + 1 == text_.parts().size();
}

void Parser::must_end() {
    while (take(' ')) {
    }
    if (!at_end()) fail_expecting("the end of the command");
}

bool Parser::take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
}

void Parser::must(char c) {
    if (!take(c)) fail_expecting(fmt::format("\"{}\"", c));
}

void Parser::must_space() {
    if (!take(' ')) fail_expecting("a space");
}

bool Parser::take_word(std::string_view word) {
    const auto rest = here();
    if (!equals_ignoring_case(rest.substr(0, word.size()), word)) return false;
    if (rest.size() > word.size() && is_atom_char(rest[word.size()])) return false;
    at_ += word.size();
    return true;
}

std::string Parser::take_name() {
    return upper(take_all(
        [](char c) { return is_digit(c) || c == '.' || (upper(c) >= 'A' && upper(c) <= 'Z'); }));
}

std::string Parser::must_tag() {
    const auto tag = take_all(is_tag_char);
    if (tag.empty()) fail_expecting("a tag");
    return std::string(tag);
}

std::optional<std::string> Parser::take_atom() {
    const auto atom = take_all(is_atom_char);
    if (atom.empty()) return std::nullopt;
    return std::string(atom);
}

std::string Parser::must_atom(std::string_view what) {
    auto atom = take_atom();
    if (!atom) fail_expecting(what);
    return std::move(*atom);
}

std::string Parser::must_astring(std::string_view what) {
    if (auto string = take_string()) return std::move(*string);
    const auto word = take_all(is_word_char);
    if (word.empty()) fail_expecting(what);
    if (!here().empty() && here().front() != ' ' && here().front() != ')') {
        fail_expecting(
            fmt::format("{} in \"double quotes\", for it has a special character", what));
    }
    return std::string(word);
}

std::string Parser::must_string(std::string_view what) {
    auto string = take_string();
    if (!string) fail_expecting(fmt::format("{} in \"double quotes\"", what));
    return std::move(*string);
}

std::optional<std::string> Parser::must_nstring(std::string_view what) {
    if (take_word("NIL")) return std::nullopt;
    return must_string(what);
}

std::string Parser::must_list_mailbox() {
    if (auto string = take_string()) return std::move(*string);
    const auto pattern = take_all(is_word_char);
    if (pattern.empty()) fail_expecting("a mailbox pattern such as \"*\" or INBOX");
    return std::string(pattern);
}

std::string Parser::must_base64() {
    const auto text = take_all([](char c) { return is_base64_char(c) || c == '='; });
    if (text.empty()) fail_expecting("base64, or \"=\" for an empty response");
    return std::string(text);
}

std::optional<std::string> Parser::take_string() {
    if (next_is('"')) return take_quoted();
    return take_literal();
}

std::string Parser::take_quoted() {
    std::string text;
    const auto rest = here();
    for (std::size_t i = 1; i < rest.size(); ++i) {
        char c = rest[i];
        if (c == '"') {
            at_ += i + 1;
            return text;
        }
        if (c == '\\') {
            if (i + 1 == rest.size() || !is_quoted_special(rest[i + 1])) {
                at_ += i;
                fail_expecting(R"(\" or \\ after a backslash in a quoted string)");
            }
            c = rest[++i];
        }
        if (c == '\0' || c == '\r' || c == '\n') {
            at_ += i;
            fail_expecting("a quoted string without line ends and NULs");
        }
        text += c;
    }
    fail_expecting("a closing double quote");
}

std::optional<std::string> Parser::take_literal() {
    const auto mark = literal_mark(text_.parts()[part_]);
    if (!mark || mark->begin != at_) return std::nullopt;
    if (part_ + 1 == text_.parts().size()) throw LiteralAwaited();
    const std::string& literal = text_.parts()[part_ + 1];
    if (literal.find('\0') != std::string::npos) {
        throw SyntaxError("A literal here must not contain NUL");
    }
    // Where the line after the literal has not arrived, nothing is wrong yet either.
    if (part_ + 2 == text_.parts().size()) throw LiteralAwaited();
    part_ += 2;
    at_ = 0;
    return literal;
}

LiteralMark Parser::must_message_literal() {
    const auto mark = literal_mark(text_.parts()[part_]);
    if (!mark || mark->begin != at_) {
        fail_expecting("the message as a literal: its size in octets as {1234} at the line's end");
    }
    if (part_ + 1 != text_.parts().size()) fail_expecting("one message");
    return *mark;
}

std::uint32_t Parser::must_number(std::string_view what) {
    const auto digits = take_all(is_digit);
    if (digits.empty()) fail_expecting(what);
    std::uint64_t value = 0;
    for (const char c : digits) {
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
        if (value > std::numeric_limits<std::uint32_t>::max()) {
            throw SyntaxError("Numbers are below 4294967296");
        }
    }
    return static_cast<std::uint32_t>(value);
}

std::uint32_t Parser::must_nz_number(std::string_view what) {
    if (next_is('0')) fail_expecting(what);
    return must_number(what);
}

std::uint32_t Parser::must_seq_number() {
    if (take('*')) return SequenceSet::kStar;
    return must_nz_number("message numbers such as 2, 1:5 or 7:*");
}

bool Parser::next_is_sequence_set() const {
    return !here().empty() && (is_digit(here().front()) || here().front() == '*');
}

SequenceSet Parser::must_sequence_set() {
    std::vector<SequenceSet::Range> ranges;
    do {
        const std::uint32_t first = must_seq_number();
        const std::uint32_t last = take(':') ? must_seq_number() : first;
        ranges.push_back({first, last});
    } while (take(','));
    return SequenceSet(std::move(ranges));
}

void Parser::must_flag(FlagList& into, bool lenient) {
    const std::size_t before = at_;
    const auto flag = take_all(is_flag_text);
    const auto name = flag.starts_with('\\') ? flag.substr(1) : flag;
    if (all_are(name, is_atom_char)) {
        into.add(flag);
    } else if (!lenient || flag.empty()) {
        at_ = before;
        fail_expecting("a flag such as \\Seen or a keyword of plain characters");
    }
}

void Parser::must_flag_list(FlagList& into, bool lenient) {
    must('(');
    while (!take(')')) {
        must_flag(into, lenient);
        if (!next_is(')')) must_space();
    }
}

void Parser::must_flags(FlagList& into) {
    if (next_is('(')) {
        must_flag_list(into, false);
        return;
    }
    do {
        must_flag(into, false);
    } while (!at_end() && take(' ') && !at_end());
}

Day Parser::must_date() {
    const std::size_t before = at_;
    const bool quoted = take('"');
    const auto text = take_all([](char c) { return is_atom_char(c) && c != '"'; });
    const auto day = parse_date(text);
    if (!day || (quoted && !take('"'))) {
        at_ = before;
        fail_expecting("a date such as 1-Feb-1994");
    }
    return *day;
}

InternalDate Parser::must_date_time() {
    const std::size_t before = at_;
    const auto date = parse_date_time(take_quoted());
    if (!date) {
        at_ = before;
        fail_expecting("a date and time such as \"17-Jul-1996 02:44:25 -0700\"");
    }
    return *date;
}

void Parser::fail_expecting(std::string_view what) const {
    const auto rest = here();
    if (secret_) throw SyntaxError(fmt::format("Expected {}", what));
    if (at_end()) throw SyntaxError(fmt::format("Expected {}, found the end of the line", what));
    const bool cut = rest.size() > kFoundSizeMax;
    throw SyntaxError(fmt::format("Expected {}, found \"{}{}\"", what,
                                  rest.substr(0, kFoundSizeMax), cut ? "..." : ""));
}

Parser::Nesting::Nesting(Parser& parser) : parser_(parser) {
    if (parser_.depth_ >= kDepthMax) throw SyntaxError("The command is nested too deeply");
    ++parser_.depth_;
}

}  // namespace veredus::imap
