#pragma once

#include <string>

namespace veredus::sasl {

// What a client proves itself with (RFC 4616, 2). Memory that held the password is wiped when it is
// given up.
struct Credentials {
    std::string authorization_identity;   // authzid: whom to act as; empty: as oneself
    std::string authentication_identity;  // authcid: the user name
    std::string password;

    Credentials() = default;
    Credentials(std::string authzid, std::string authcid, std::string secret);
    Credentials(Credentials&& other) noexcept;
    Credentials& operator=(Credentials&& other) noexcept;
    Credentials(const Credentials&) = default;
    Credentials& operator=(const Credentials&) = default;
    ~Credentials();
};

}  // namespace veredus::sasl
