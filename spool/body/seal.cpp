#include "spool/body/seal.h"

#include <fmt/core.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "common/mail/digest.h"

namespace veredus::spool {
namespace {

constexpr std::string_view kEnvelope = "Envelope length=";
constexpr std::string_view kSeal = " seal=";
constexpr std::string_view kEnd = "\n";
constexpr std::size_t kSealDigits = 32;

static_assert(std::tuple_size_v<SegmentKey> == crypto_shorthash_siphashx24_KEYBYTES);
static_assert(std::tuple_size_v<mail::Digest> == crypto_shorthash_siphashx24_BYTES);

// Neither can run into the other: a record's line ends with the only line feed in it.
std::string seal_of(const SegmentKey& key, std::string_view record_line,
                    std::string_view envelope) {
    std::string both;
    both.reserve(record_line.size() + envelope.size());
    both += record_line;
    both += envelope;
    mail::Digest seal{};
    crypto_shorthash_siphashx24(seal.data(), reinterpret_cast<const unsigned char*>(both.data()),
                                both.size(), key.data());
    return mail::to_hex(seal);
}

}  // namespace

SegmentKey new_segment_key() {
    SegmentKey key;
    ::randombytes_buf(key.data(), key.size());
    return key;
}

std::string seal_envelope(const SegmentKey& key, std::string_view record_line,
                          std::string_view envelope) {
    return fmt::format("{}{}{}{}\n{}{}", kEnvelope, envelope.size(), kSeal,
                       seal_of(key, record_line, envelope), envelope, kEnd);
}

std::optional<OpenedEnvelope> open_envelope(const SegmentKey& key, std::string_view record_line,
                                            std::string_view bytes) {
    if (!bytes.starts_with(kEnvelope)) return std::nullopt;
    const auto* const number = bytes.data() + kEnvelope.size();
    const auto* const end = bytes.data() + bytes.size();
    std::size_t length = 0;
    const auto [after, error] = std::from_chars(number, end, length);
    if (error != std::errc()) return std::nullopt;
    std::string_view rest(after, static_cast<std::size_t>(end - after));
    if (!rest.starts_with(kSeal)) return std::nullopt;
    rest.remove_prefix(kSeal.size());
    const auto seal = rest.substr(0, kSealDigits);
    rest.remove_prefix(seal.size());
    if (!rest.starts_with('\n') || rest.size() - 1 < length) return std::nullopt;
    const auto envelope = rest.substr(1, length);
    if (!rest.substr(1 + length).starts_with(kEnd)) return std::nullopt;
    if (seal != seal_of(key, record_line, envelope)) return std::nullopt;
    const auto past = envelope.data() + envelope.size() + kEnd.size();
    return OpenedEnvelope{envelope, static_cast<std::size_t>(past - bytes.data())};
}

}  // namespace veredus::spool
