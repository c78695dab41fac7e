#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

// `certificate.DAEMON`: who may read the key (the supervisor, or root where systemd runs the
// daemons) → a daemon that speaks TLS. It serves new connections from the answer on; those that are
// there keep what they began with.
namespace veredus::ipc::certificate {

// How the link to a daemon begins.
inline constexpr const char* kLinkPrefix = "certificate.";

struct Renew {
    std::uint32_t request = 0;
    std::string certificate;  // PEM, the leaf first, then its chain
    std::string key;          // PEM
    auto fields() { return std::tie(request, certificate, key); }
};
using Request = std::variant<Renew>;

struct Renewed {
    std::uint32_t request = 0;
    std::string text;  // why it cannot be used; empty when it is in use
    auto fields() { return std::tie(request, text); }
};
using Answer = std::variant<Renewed>;

}  // namespace veredus::ipc::certificate
