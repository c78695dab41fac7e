#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::net {

// Who is at the other end. `ip` is the canonical text of the address (an IPv4-mapped IPv6 address
// as IPv4), empty for a UNIX socket.
struct Address {
    std::string ip;
    std::uint16_t port = 0;
    bool v6 = false;

    bool loopback() const;     // 127.0.0.0/8, ::1, or a UNIX socket
    bool unspecified() const;  // 0.0.0.0/8 ("this host", RFC 1122 3.2.1.3) or ::
    // RFC 5321, 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]".
    std::string literal() const;
    std::string text() const;  // "192.0.2.1:25", "[2001:db8::1]:25", "local"

    static Address from(const sockaddr* address, socklen_t length);
    static Address peer_of(int descriptor);
    static Address local_of(int descriptor);
    // A numeric address; nothing for a name.
    static std::optional<Address> parse(std::string_view ip, std::uint16_t port);
    // Returns the length; `out` must hold a sockaddr_storage.
    socklen_t to_sockaddr(sockaddr_storage& out) const;
};

}  // namespace veredus::net
