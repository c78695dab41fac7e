#include "common/mail/digest.h"

namespace veredus::mail {

DigestBuilder::DigestBuilder() {
    crypto_generichash_init(&state_, nullptr, 0, std::tuple_size_v<Digest>);
}

void DigestBuilder::update(std::string_view bytes) {
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size());
}

Digest DigestBuilder::finish() {
    Digest digest;
    crypto_generichash_final(&state_, digest.data(), digest.size());
    return digest;
}

Digest digest_of(std::string_view bytes) {
    DigestBuilder builder;
    builder.update(bytes);
    return builder.finish();
}

std::string to_hex(const Digest& digest) {
    std::string out(digest.size() * 2 + 1, '\0');
    sodium_bin2hex(out.data(), out.size(), digest.data(), digest.size());
    out.pop_back();  // sodium's terminating NUL
    return out;
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
    Digest digest;
    std::size_t length = 0;
    const char* end = nullptr;
    if (hex.size() != digest.size() * 2 ||
        hex.find_first_not_of("0123456789abcdef") != std::string_view::npos ||
        sodium_hex2bin(digest.data(), digest.size(), hex.data(), hex.size(), nullptr, &length,
                       &end) != 0)
        return std::nullopt;
    return digest;
}

}  // namespace veredus::mail
