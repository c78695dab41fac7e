#include "common/mail/digest.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <new>

namespace veredus::mail {
namespace {

// Looked up once: that costs more than the digest of a small message.
const EVP_MD* sha_256() {
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return algorithm;
}

// Nothing but a lack of memory, or an OpenSSL without SHA-256, makes one of these calls fail.
void require(int done) {
    if (done != 1) throw std::bad_alloc();
}

}  // namespace

void DigestBuilder::Free::operator()(EVP_MD_CTX* context) const {
    EVP_MD_CTX_free(context);
}

DigestBuilder::DigestBuilder() : context_(EVP_MD_CTX_new()) {
    require(EVP_DigestInit_ex(context_.get(), sha_256(), nullptr));
}

void DigestBuilder::update(std::string_view bytes) {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

Digest DigestBuilder::finish() {
    Digest digest;
    require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
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
