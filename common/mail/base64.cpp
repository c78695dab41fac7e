#include "common/mail/base64.h"

#include <sodium.h>

#include <array>
#include <cstdint>

namespace veredus::mail {
namespace {

constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
constexpr std::uint8_t kNone = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNone);
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < kAlphabet.size(); ++i)
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}
constexpr auto kValues = make_values();

}  // namespace

std::string base64_encode(std::string_view bytes) {
    std::string out(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), kVariant);
    out.pop_back();  // sodium's terminating NUL
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    std::string out(text.size() / 4 * 3 + 3, '\0');
    std::size_t length = 0;
    const char* end = nullptr;
    const int status =
        sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                          text.size(), nullptr, &length, &end, kVariant);
    if (status != 0 || end != text.data() + text.size()) return std::nullopt;
    out.resize(length);
    return out;
}

std::string base64_decode_mime(std::string_view text) {
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    int count = 0;
    const auto flush = [&] {
        if (count >= 2) out += static_cast<char>(group >> (count * 6 - 8) & 0xFF);
        if (count == 3) out += static_cast<char>(group >> 2 & 0xFF);
        group = 0;
        count = 0;
    };
    for (const char c : text) {
        if (c == '=') {
            flush();
            continue;
        }
        const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
        if (value == kNone) continue;
        group = group << 6 | value;
        if (++count < 4) continue;
        out += static_cast<char>(group >> 16 & 0xFF);
        out += static_cast<char>(group >> 8 & 0xFF);
        out += static_cast<char>(group & 0xFF);
        group = 0;
        count = 0;
    }
    flush();
    return out;
}

}  // namespace veredus::mail
