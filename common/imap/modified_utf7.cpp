#include <algorithm>
#include <cstdint>

#include "common/imap/chars.h"
#include "common/imap/mailbox_name.h"

namespace veredus::imap {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr char32_t kSurrogates = 0xd800;
constexpr char32_t kLowSurrogates = 0xdc00;
constexpr char32_t kAfterSurrogates = 0xe000;
constexpr char32_t kSupplementary = 0x10000;

bool stands_for_itself(char c) {
    return !is_control(c) && !is_8bit(c) && c != '&';
}

// Takes one character from the front of valid UTF-8.
char32_t take_utf8(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t value = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length && i < text.size(); ++i) {
        value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3f);
    }
    text.remove_prefix(std::min(length, text.size()));
    return value;
}

void put_utf8(std::string& out, char32_t c) {
    const auto put = [&out](char32_t octet) { out += static_cast<char>(octet); };
    if (c < 0x80) {
        put(c);
        return;
    }
    if (c < 0x800) {
        put(0xc0 | (c >> 6));
    } else {
        if (c < kSupplementary) {
            put(0xe0 | (c >> 12));
        } else {
            put(0xf0 | (c >> 18));
            put(0x80 | ((c >> 12) & 0x3f));
        }
        put(0x80 | ((c >> 6) & 0x3f));
    }
    put(0x80 | (c & 0x3f));
}

// The modified base64 of UTF-16, six bits at a time.
class Base64Writer {
  public:
    explicit Base64Writer(std::string& out) : out_(out) {}
    void unit(char32_t unit) {
        bits_ = (bits_ << 16) | unit;
        for (count_ += 16; count_ >= 6; count_ -= 6)
            put(bits_ >> (count_ - 6));
    }
    void character(char32_t c) {
        if (c < kSupplementary) {
            unit(c);
        } else {
            unit(kSurrogates + ((c - kSupplementary) >> 10));
            unit(kLowSurrogates + ((c - kSupplementary) & 0x3ff));
        }
    }
    void end() {
        if (count_ > 0) put(bits_ << (6 - count_));
    }

  private:
    void put(std::uint64_t six) { out_ += kAlphabet[six & 0x3f]; }
    std::string& out_;
    std::uint64_t bits_ = 0;
    int count_ = 0;  // of the low bits not written yet
};

// Appends the UTF-8 of the base64 between "&" and "-"; false if it is none.
bool put_decoded(std::string& out, std::string_view base64) {
    std::uint32_t bits = 0;
    int count = 0;
    char32_t high = 0;
    for (const char c : base64) {
        const auto value = kAlphabet.find(c);
        if (value == std::string_view::npos) return false;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 16) continue;
        count -= 16;
        const char32_t unit = (bits >> count) & 0xffff;
        const bool is_high = unit >= kSurrogates && unit < kLowSurrogates;
        const bool is_low = unit >= kLowSurrogates && unit < kAfterSurrogates;
        if (is_low != (high != 0)) return false;
        if (is_high) {
            high = unit;
        } else {
            put_utf8(out, is_low ? kSupplementary + ((high - kSurrogates) << 10) +
                                       (unit - kLowSurrogates)
                                 : unit);
            high = 0;
        }
    }
    return high == 0;
}

}  // namespace

std::string to_modified_utf7(std::string_view utf8) {
    std::string wire;
    while (!utf8.empty()) {
        const char c = utf8.front();
        if (stands_for_itself(c)) {
            wire += c;
            utf8.remove_prefix(1);
        } else if (c == '&') {
            wire += "&-";
            utf8.remove_prefix(1);
        } else {
            wire += '&';
            Base64Writer writer(wire);
            while (!utf8.empty() && utf8.front() != '&' && !stands_for_itself(utf8.front())) {
                writer.character(take_utf8(utf8));
            }
            writer.end();
            wire += '-';
        }
    }
    return wire;
}

std::optional<std::string> from_modified_utf7(std::string_view wire) {
    std::string utf8;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        if (wire[i] != '&') {
            if (!stands_for_itself(wire[i])) return std::nullopt;
            utf8 += wire[i];
            continue;
        }
        const auto end = wire.find('-', i);
        if (end == std::string_view::npos) return std::nullopt;
        const auto base64 = wire.substr(i + 1, end - i - 1);
        if (base64.empty()) {
            utf8 += '&';
        } else if (!put_decoded(utf8, base64)) {
            return std::nullopt;
        }
        i = end;
    }
    // What remains to be refused (shifts without need, bits left over, ASCII in base64) is what
    // would not be written so.
    if (to_modified_utf7(utf8) != wire) return std::nullopt;
    return utf8;
}

}  // namespace veredus::imap
