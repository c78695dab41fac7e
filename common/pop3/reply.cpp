#include "common/pop3/reply.h"

#include <fmt/format.h>

namespace veredus::pop3 {

std::string ok(std::string_view text) {
    return fmt::format("+OK {}\r\n", text);
}

std::string error(std::string_view text) {
    return fmt::format("-ERR {}\r\n", text);
}

std::string capabilities(const Circumstances& now) {
    std::string answer = ok("what this server can do:");
    // RFC 2595, 4: STLS is offered only where it may be said. RFC 2449, 6.3: SASL in both states.
    if (now.tls_offered && !now.secured && now.state == State::authorization) answer += "STLS\r\n";
    if (now.login_permitted) answer += "USER\r\nSASL PLAIN\r\n";
    return answer +
           "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n"
           "IMPLEMENTATION Veredus\r\n.\r\n";
}

void Multiline::put(std::string_view text, std::string& out) {
    while (!text.empty()) {
        if (at_line_start_ && text.front() == '.') out += '.';
        const auto feed = text.find('\n');
        const auto taken = feed == std::string_view::npos ? text.size() : feed + 1;
        // A lone LF, which old files may hold, would be no line end to a client that knows CRLF
        // alone.
        const bool bare =
            feed != std::string_view::npos && (feed == 0 ? !after_cr_ : text[feed - 1] != '\r');
        out += text.substr(0, bare ? feed : taken);
        if (bare) out += "\r\n";
        at_line_start_ = feed != std::string_view::npos;
        after_cr_ = !at_line_start_ && text.back() == '\r';
        text.remove_prefix(taken);
    }
}

void Multiline::end(std::string& out) {
    if (!at_line_start_) out += after_cr_ ? "\n" : "\r\n";
    out += ".\r\n";
}

std::size_t TopCounter::take(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && !done()) {
        const auto feed = text.find('\n', at);
        const auto end = feed == std::string_view::npos ? text.size() : feed;
        for (const char c : text.substr(at, end - at))
            line_empty_ = line_empty_ && c == '\r';
        if (feed == std::string_view::npos) return text.size();
        at = feed + 1;
        if (in_body_) {
            --lines_left_;
        } else {
            in_body_ = line_empty_;
        }
        line_empty_ = true;
    }
    return at;
}

}  // namespace veredus::pop3
