#pragma once

#include <cstdint>
#include <string>
#include <tuple>

namespace veredus::mail {

// What travels beside a message and is said in SMTP's parameters. The numbers stand on disk and on
// the links.

// RFC 6152, RFC 3030: the BODY parameter.
enum class BodyType : std::uint8_t { kSevenBit = 0, kEightBitMime = 1, kBinaryMime = 2, last_ = 2 };

// RFC 3461 4.3: the RET parameter.
enum class Ret : std::uint8_t { kUnsaid = 0, kFull = 1, kHeaders = 2, last_ = 2 };

// RFC 3461 4.1: the NOTIFY parameter, as bits; 0 when it was not said.
inline constexpr std::uint8_t kNotifyNever = 1;
inline constexpr std::uint8_t kNotifySuccess = 2;
inline constexpr std::uint8_t kNotifyFailure = 4;
inline constexpr std::uint8_t kNotifyDelay = 8;

// Who brought a message, for people and for the log.
struct ClientFacts {
    std::string name;       // what it said in HELO or EHLO
    std::string address;    // "192.0.2.1", or "local" for a program on this host
    std::string protocol;   // "ESMTPSA" and its kin (RFC 3848), or "internal" for the queue's own
    std::string auth_user;  // empty when it did not log in
    std::string tls;        // "TLSv1.3 TLS_AES_256_GCM_SHA384", empty without

    auto fields() { return std::tie(name, address, protocol, auth_user, tls); }
    bool operator==(const ClientFacts&) const = default;
};

}  // namespace veredus::mail
