#include "common/imap/response.h"

#include <array>
#include <utility>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

// By Code.
constexpr std::array<std::string_view, 30> kCodes{
    "",
    "ALERT",
    "ALREADYEXISTS",
    "APPENDUID",
    "AUTHENTICATIONFAILED",
    "AUTHORIZATIONFAILED",
    "BADCHARSET",
    "CANNOT",
    "CAPABILITY",
    "CLIENTBUG",
    "CLOSED",
    "COPYUID",
    "CORRUPTION",
    "EXPUNGEISSUED",
    "INUSE",
    "LIMIT",
    "NONEXISTENT",
    "OVERQUOTA",
    "PERMANENTFLAGS",
    "PRIVACYREQUIRED",
    "READ-ONLY",
    "READ-WRITE",
    "SERVERBUG",
    "TOOBIG",
    "TRYCREATE",
    "UIDNEXT",
    "UIDVALIDITY",
    "UNAVAILABLE",
    "UNSEEN",
    "USEATTR",
};
static_assert(kCodes.size() == static_cast<std::size_t>(Code::kUseAttr) + 1);

constexpr std::array<std::string_view, 5> kConditions{"OK", "NO", "BAD", "BYE", "PREAUTH"};

// Longer texts are literals: some clients read quoted strings into small buffers.
constexpr std::size_t kQuotedSizeMax = 1000;

bool may_be_quoted(std::string_view text) {
    if (text.size() > kQuotedSizeMax) return false;
    for (const char c : text) {
        if (c == '\r' || c == '\n' || c == '\0' || is_8bit(c)) return false;
    }
    return true;
}

}  // namespace

std::string_view code_text(Code code) {
    return kCodes[static_cast<std::size_t>(code)];
}

Answer ok(std::string text, Code code, std::string argument) {
    return Answer{Condition::kOk, std::move(text), code, std::move(argument)};
}
Answer no(std::string text, Code code, std::string argument) {
    return Answer{Condition::kNo, std::move(text), code, std::move(argument)};
}
Answer bad(std::string text, Code code) {
    return Answer{Condition::kBad, std::move(text), code, {}};
}
Answer bye(std::string text, Code code) {
    return Answer{Condition::kBye, std::move(text), code, {}};
}

std::string status_line(std::string_view tag, const Answer& answer) {
    std::string line(tag);
    line += ' ';
    line += kConditions[static_cast<std::size_t>(answer.condition)];
    line += ' ';
    if (answer.code != Code::kNone) {
        line += '[';
        line += code_text(answer.code);
        if (!answer.argument.empty()) line += ' ' + answer.argument;
        line += "] ";
    }
    // resp-text needs at least one character, and no "[" in front that is not a code's.
    line += answer.text.empty() ? "Done" : answer.text;
    for (char& c : line) {
        if (is_control(c) || is_8bit(c)) c = '?';
    }
    return line + "\r\n";
}

void put_literal_mark(std::string& out, std::uint64_t size) {
    out += '{';
    out += std::to_string(size);
    out += "}\r\n";
}

void put_string(std::string& out, std::string_view text) {
    if (!may_be_quoted(text)) {
        put_literal_mark(out, text.size());
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (is_quoted_special(c)) out += '\\';
        out += c;
    }
    out += '"';
}

void put_nstring(std::string& out, const std::optional<std::string>& text) {
    if (text) {
        put_string(out, *text);
    } else {
        out += "NIL";
    }
}

void put_astring(std::string& out, std::string_view text) {
    if (all_are(text, is_astring_char) && !equals_ignoring_case(text, "NIL")) {
        out += text;
    } else {
        put_string(out, text);
    }
}

}  // namespace veredus::imap
