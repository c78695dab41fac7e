#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/mail/body_ref.h"

struct evp_md_ctx_st;  // EVP_MD_CTX: headers of ours stay free of OpenSSL's

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
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Digest digest_of(std::string_view bytes);

// 64 lower-case hexadecimal digits; from them, nothing if `hex` is anything else.
std::string to_hex(const Digest& digest);
std::optional<Digest> digest_from_hex(std::string_view hex);

}  // namespace veredus::mail
