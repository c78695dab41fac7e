#include "common/sasl/credentials.h"

#include <utility>

#include <sodium.h>

namespace veredus::sasl {
namespace {

// All that the string owns: one that was moved from or shortened still holds the old bytes.
void wipe(std::string& secret) {
    secret.resize(secret.capacity());
    sodium_memzero(secret.data(), secret.size());
    secret.clear();
}

}  // namespace

Credentials::Credentials(std::string authzid, std::string authcid, std::string secret)
    : authorization_identity(std::move(authzid)),
      authentication_identity(std::move(authcid)),
      password(std::move(secret)) {
    wipe(secret);  // a short string is copied by a move
}

Credentials::Credentials(Credentials&& other) noexcept
    : Credentials(std::move(other.authorization_identity), std::move(other.authentication_identity),
                  std::move(other.password)) {
    wipe(other.password);
}

Credentials& Credentials::operator=(Credentials&& other) noexcept {
    if (this == &other) return *this;
    authorization_identity = std::move(other.authorization_identity);
    authentication_identity = std::move(other.authentication_identity);
    wipe(password);
    password = std::move(other.password);
    wipe(other.password);
    return *this;
}

Credentials::~Credentials() {
    wipe(password);
}

}  // namespace veredus::sasl
