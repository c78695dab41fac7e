#include "common/smtp/reply.h"

#include <utility>

#include "common/smtp/ascii.h"

namespace veredus::smtp {

std::string Reply::status_text() const {
    return status ? status->text() : std::to_string(code / 100) + ".0.0";
}

std::string Reply::text() const {
    std::string out = std::to_string(code);
    if (status) out += ' ' + status->text();
    for (const std::string_view line : lines) {
        const auto words = trim(line);
        if (words.empty()) continue;
        out += ' ';
        out += words;
    }
    return out;
}

void render(const Reply& reply, std::string& out, bool long_lines) {
    constexpr std::size_t kLineMax = 510;  // without CRLF
    const std::string code = std::to_string(reply.code);
    const std::string status = reply.status ? reply.status->text() + ' ' : std::string();
    for (std::size_t i = 0; i < reply.lines.size(); ++i) {
        const std::size_t start = out.size();
        out += code;
        out += i + 1 < reply.lines.size() ? '-' : ' ';
        out += status;
        for (const char c : reply.lines[i])
            out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
        if (!long_lines && out.size() - start > kLineMax) out.resize(start + kLineMax);
        out += "\r\n";
    }
}

ReplyParser::State ReplyParser::line(std::string_view text) {
    const bool digits = text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) &&
                        is_digit(text[2]);
    const int code = digits ? (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0') : 0;
    const char separator = text.size() > 3 ? text[3] : ' ';
    if (!digits || (separator != ' ' && separator != '-') || (begun_ && code != reply_.code) ||
        (begun_ && reply_.lines.size() >= kLinesMax)) {
        begun_ = false;
        return State::malformed;
    }
    if (!std::exchange(begun_, true)) reply_ = {};
    std::string_view rest = text.substr(text.size() > 3 ? 4 : 3);
    std::string_view after_status = rest;
    const auto status = EnhancedStatus::take(after_status);
    // RFC 2034 4: the class says the same as the code's first digit, on each line.
    if (status && status->status_class == code / 100) {
        if (reply_.lines.empty()) reply_.status = status;
        if (reply_.status == status) rest = after_status;
    }
    reply_.code = code;
    reply_.lines.emplace_back(rest.substr(0, kLineMax));
    if (separator == '-') return State::more;
    begun_ = false;
    return State::complete;
}

Reply ReplyParser::take() {
    begun_ = false;
    return std::exchange(reply_, {});
}

}  // namespace veredus::smtp
