#include "common/mail/quoted_printable.h"

#include <cstddef>

namespace veredus::mail {
namespace {

constexpr std::size_t kLineLengthMax = 76;  // RFC 2045 section 6.7, rule 5
constexpr std::string_view kHex = "0123456789ABCDEF";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

void decode_line(std::string_view line, std::string& out) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '=' && i + 2 < line.size()) {
            const int high = hex_value(line[i + 1]);
            const int low = hex_value(line[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high << 4 | low);
                i += 2;
                continue;
            }
        }
        out += line[i];
    }
}

// One line of the text, without its end.
void encode_line(std::string_view line, std::string& out) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto byte = static_cast<unsigned char>(line[i]);
        const bool last = i + 1 == line.size();
        const bool blank = byte == ' ' || byte == '\t';
        const bool plain = (byte > ' ' && byte < 0x7F && byte != '=') || (blank && !last);
        const std::size_t width = plain ? 1 : 3;
        // One column is kept for the "=" of a soft break.
        if (length + width > kLineLengthMax - (last ? 0 : 1)) {
            out += "=\r\n";
            length = 0;
        }
        if (plain) {
            out += line[i];
        } else {
            out += '=';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
        length += width;
    }
}

}  // namespace

std::string quoted_printable_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        std::string_view line = text.substr(0, newline);
        std::string_view ending;
        if (newline != std::string_view::npos) {
            const bool crlf = line.ends_with('\r');
            if (crlf) line.remove_suffix(1);
            ending = crlf ? "\r\n" : "\n";
        }
        while (line.ends_with(' ') || line.ends_with('\t'))
            line.remove_suffix(1);
        const bool soft = line.ends_with('=');
        if (soft) line.remove_suffix(1);
        decode_line(line, out);
        if (!soft) out += ending;
        text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    }
    return out;
}

std::string quoted_printable_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        std::string_view line = text.substr(0, newline);
        const bool ended = newline != std::string_view::npos;
        if (ended && line.ends_with('\r')) line.remove_suffix(1);
        encode_line(line, out);
        if (ended) out += "\r\n";
        text.remove_prefix(ended ? newline + 1 : text.size());
    }
    return out;
}

}  // namespace veredus::mail
