#include "common/smtp/xtext.h"

#include "common/smtp/ascii.h"

namespace veredus::smtp {

std::string xtext_encode(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : bytes) {
        if (is_graphic(c) && c != '+' && c != '=') {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'+', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

std::optional<std::string> xtext_decode(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (!is_graphic(c) || c == '=') return std::nullopt;
        if (c != '+') {
            out += c;
            continue;
        }
        if (text.size() - at < 3) return std::nullopt;
        const int high = hex_value(text[at + 1]);
        const int low = hex_value(text[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return out;
}

}  // namespace veredus::smtp
