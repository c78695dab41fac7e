#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/mail/body_ref.h"

struct XXH3_state_s;  // headers of ours stay free of xxHash's

namespace veredus::mail {

// Takes a message's digest piece by piece.
class DigestBuilder {
  public:
    DigestBuilder();
    void update(std::string_view bytes);
    // Of all bytes so far.
    Digest finish() const;

  private:
    struct Free {
        void operator()(XXH3_state_s* state) const;
    };
    std::unique_ptr<XXH3_state_s, Free> state_;
};

Digest digest_of(std::string_view bytes);

// 32 lower-case hexadecimal digits; from them, nothing if `hex` is anything else.
std::string to_hex(const Digest& digest);
std::optional<Digest> digest_from_hex(std::string_view hex);

}  // namespace veredus::mail
