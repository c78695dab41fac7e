#include "common/mail/text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "common/mail/base64.h"
#include "common/mail/charset.h"
#include "common/mail/encoded_word.h"
#include "common/mail/quoted_printable.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 20;  // ICU counts in 32 bits

bool is_ascii(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

std::string decoded_body(const Message& message, const Part& part) {
    const std::string_view body = part.body.of(message.bytes);
    if (part.encoding == "BASE64") return base64_decode_mime(body);
    if (part.encoding == "QUOTED-PRINTABLE") return quoted_printable_decode(body);
    return std::string(body);
}

std::string decoded_text(const Message& message, const Part& part) {
    std::string body = decoded_body(message, part);
    const std::string* charset = find_parameter(part.parameters, "charset");
    if (charset == nullptr) return guess_utf8(body);
    const auto text = to_utf8(body, *charset);
    return text ? *text : guess_utf8(body);
}

std::string fold_case(std::string_view utf8) {
    if (is_ascii(utf8)) return ascii_lower(utf8);
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* folding = icu::Normalizer2::getNFKCCasefoldInstance(status);
    if (U_FAILURE(status)) throw std::runtime_error("ICU lacks its NFKC_Casefold data");
    std::string out;
    out.reserve(utf8.size());
    icu::StringByteSink<std::string> sink(&out);
    for (std::size_t at = 0; at < utf8.size(); at += kChunkBytes) {
        const std::string_view chunk = utf8.substr(at, kChunkBytes);
        folding->normalizeUTF8(
            0, icu::StringPiece(chunk.data(), static_cast<std::int32_t>(chunk.size())), sink,
            nullptr, status);
    }
    return out;
}

Needle::Needle(std::string_view utf8) : folded_(fold_case(utf8)) {}

bool Needle::in(std::string_view utf8) const {
    const std::string haystack = fold_case(utf8);
    // memmem is linear whatever the texts are; string::find is not.
    return memmem(haystack.data(), haystack.size(), folded_.data(), folded_.size()) != nullptr ||
           folded_.empty();
}

bool Needle::in_field(const Header& header, std::string_view name) const {
    return std::ranges::any_of(header.fields(), [&](const HeaderField& field) {
        return field.is(name) && in(decode_words(field.text()));
    });
}

bool Needle::in_header(const Header& header) const {
    return std::ranges::any_of(header.fields(), [&](const HeaderField& field) {
        return in(std::string(field.name) + ": " + decode_words(field.text()));
    });
}

bool Needle::in_part(const Message& message, const Part& part) const {
    if (part.kind == Part::Kind::kMessage && in_header(message.header_of(part.parts.front())))
        return true;
    if (part.kind == Part::Kind::kLeaf)
        return part.is_type("text") && in(decoded_text(message, part));
    return std::ranges::any_of(part.parts,
                               [&](const Part& child) { return in_part(message, child); });
}

bool Needle::in_body(const Message& message) const {
    return folded_.empty() || in_part(message, message.root);
}

bool Needle::in_message(const Message& message) const {
    return in_header(message.header()) || in_body(message);
}

}  // namespace veredus::mail
