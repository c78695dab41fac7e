#include "common/mail/charset.h"

#include <unicode/ucnv.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/mail/header.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kNameLengthMax = 64;
constexpr std::size_t kChunkBytes = std::size_t{256} << 20;  // ICU counts in 32 bits

struct Alias {
    std::string_view name;
    const char* converter;  // null: guess
};
// Names that senders use for more than they mean: the superset decodes both.
constexpr auto kAliases = std::to_array<Alias>({{"", nullptr},
                                                {"us-ascii", nullptr},
                                                {"ascii", nullptr},
                                                {"ansi_x3.4-1968", nullptr},
                                                {"unknown-8bit", nullptr},
                                                {"x-unknown", nullptr},
                                                {"default_charset", nullptr},
                                                {"iso-8859-1", "windows-1252"},
                                                {"latin1", "windows-1252"},
                                                {"iso-8859-8-i", "iso-8859-8"},
                                                {"gb2312", "gb18030"},
                                                {"gbk", "gb18030"},
                                                {"euc-kr", "windows-949"},
                                                {"ks_c_5601-1987", "windows-949"},
                                                {"shift_jis", "windows-932"}});

using Converter = std::unique_ptr<UConverter, decltype(&ucnv_close)>;

Converter open_converter(const char* name) {
    UErrorCode status = U_ZERO_ERROR;
    Converter converter(ucnv_open(name, &status), &ucnv_close);
    if (U_FAILURE(status)) converter.reset();
    return converter;
}

std::string convert(UConverter& converter, std::string_view bytes) {
    std::string out(bytes.size() * 3 + 16, '\0');
    for (;;) {
        UErrorCode status = U_ZERO_ERROR;
        const std::int32_t length = ucnv_toAlgorithmic(
            UCNV_UTF8, &converter, out.data(), static_cast<std::int32_t>(out.size()), bytes.data(),
            static_cast<std::int32_t>(bytes.size()), &status);
        const bool grows =
            status == U_BUFFER_OVERFLOW_ERROR && static_cast<std::size_t>(length) > out.size();
        out.resize(U_SUCCESS(status) || grows ? static_cast<std::size_t>(length) : 0);
        if (!grows) return out;
    }
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        if (static_cast<unsigned char>(bytes[at]) < 0x80) {
            ++at;
            continue;
        }
        UChar32 c = 0;
        U8_NEXT(bytes.data(), at, bytes.size(), c);
        if (c < 0) return false;
    }
    return true;
}

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
    charset = trim(charset);
    if (charset.size() > kNameLengthMax) return std::nullopt;
    const auto alias = std::ranges::find_if(
        kAliases, [&](const Alias& a) { return equal_ignoring_case(a.name, charset); });
    if (alias != kAliases.end() && alias->converter == nullptr) return guess_utf8(bytes);
    const std::string name = alias != kAliases.end() ? alias->converter : std::string(charset);
    if (name.find('\0') != std::string::npos) return std::nullopt;
    const bool utf8 = equal_ignoring_case(name, "utf-8") || equal_ignoring_case(name, "utf8");
    if (utf8 && is_utf8(bytes)) return std::string(bytes);
    const Converter converter = open_converter(name.c_str());
    if (!converter) return std::nullopt;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += kChunkBytes)
        out += convert(*converter, bytes.substr(at, kChunkBytes));
    return out;
}

std::string guess_utf8(std::string_view bytes) {
    if (is_utf8(bytes)) return std::string(bytes);
    const Converter converter = open_converter("windows-1252");
    std::string out;
    if (!converter) return out;
    for (std::size_t at = 0; at < bytes.size(); at += kChunkBytes)
        out += convert(*converter, bytes.substr(at, kChunkBytes));
    return out;
}

}  // namespace veredus::mail
