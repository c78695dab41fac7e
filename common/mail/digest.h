#pragma once

#include <sodium.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/mail/body_ref.h"

namespace veredus::mail {

// Takes a message's digest piece by piece: BLAKE2b-256 without key.
class DigestBuilder {
  public:
    DigestBuilder();
    void update(std::string_view bytes);
    // Once, at the end.
    Digest finish();

  private:
    crypto_generichash_state state_;
};

Digest digest_of(std::string_view bytes);

// 64 lower-case hexadecimal digits; from them, nothing if `hex` is anything else.
std::string to_hex(const Digest& digest);
std::optional<Digest> digest_from_hex(std::string_view hex);

}  // namespace veredus::mail
