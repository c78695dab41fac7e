#pragma once

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/mail/body_ref.h"

namespace veredus::mail {

// Takes a message's digest piece by piece: SHA-256 (RFC 6234), which processors of today compute.
class DigestBuilder {
  public:
    DigestBuilder();
    void update(std::string_view bytes);
    // Once, at the end.
    Digest finish();

  private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

Digest digest_of(std::string_view bytes);

// 64 lower-case hexadecimal digits; from them, nothing if `hex` is anything else.
std::string to_hex(const Digest& digest);
std::optional<Digest> digest_from_hex(std::string_view hex);

}  // namespace veredus::mail
