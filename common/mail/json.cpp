#include "common/mail/json.h"

#include <array>
#include <optional>

#include "common/mail/charset.h"

namespace veredus::mail {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// What may stand in a JSON string as it is (RFC 8259 7), if it is UTF-8 as a whole.
constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7F; ++c)
        plain[c] = c != '"' && c != '\\';
    return plain;
}();

void append_escaped(unsigned char c, std::string& out) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            out += "\\u00";
            out += kHex[c >> 4];
            out += kHex[c & 15];
    }
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
    out += '"';
    std::optional<bool> utf8;
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (kPlain[c]) continue;
        if (c >= 0x80) {
            if (!utf8) utf8 = is_utf8(text);
            if (*utf8) continue;
        }
        out += text.substr(done, at - done);
        done = at + 1;
        if (c >= 0x80) {
            out += kReplacement;
        } else {
            append_escaped(c, out);
        }
    }
    out += text.substr(done);
    out += '"';
}

}  // namespace veredus::mail
