#include "common/mail/digest.h"

#include <sodium.h>
#include <xxhash.h>

#include <array>
#include <new>

namespace veredus::mail {
namespace {

Digest digest_from(XXH128_hash_t hash) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    return std::to_array(canonical.digest);
}

}  // namespace

void DigestBuilder::Free::operator()(XXH3_state_t* state) const {
    XXH3_freeState(state);
}

DigestBuilder::DigestBuilder() : state_(XXH3_createState()) {
    if (!state_) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
}

void DigestBuilder::update(std::string_view bytes) {
    XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

Digest DigestBuilder::finish() const {
    return digest_from(XXH3_128bits_digest(state_.get()));
}

Digest digest_of(std::string_view bytes) {
    return digest_from(XXH3_128bits(bytes.data(), bytes.size()));
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
