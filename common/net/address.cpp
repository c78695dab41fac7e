#include "common/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace veredus::net {

bool Address::loopback() const {
    return ip.empty() || ip == "::1" || ip.starts_with("127.");
}

bool Address::unspecified() const {
    return ip == "::" || ip.starts_with("0.");
}

std::string Address::literal() const {
    return v6 ? "[IPv6:" + ip + "]" : "[" + ip + "]";
}

std::string Address::text() const {
    if (ip.empty()) return "local";
    return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

Address Address::from(const sockaddr* address, socklen_t length) {
    Address out;
    char text[INET6_ADDRSTRLEN] = {};
    if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
        sockaddr_in v4;
        std::memcpy(&v4, address, sizeof v4);
        out.ip = inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        out.port = ntohs(v4.sin_port);
    } else if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        sockaddr_in6 six;
        std::memcpy(&six, address, sizeof six);
        out.port = ntohs(six.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
            out.ip = inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], text, sizeof text);
        } else {
            out.ip = inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
            out.v6 = true;
        }
    }
    return out;
}

Address Address::peer_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
    return from(reinterpret_cast<const sockaddr*>(&storage), length);
}

Address Address::local_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
    return from(reinterpret_cast<const sockaddr*>(&storage), length);
}

std::optional<Address> Address::parse(std::string_view ip, std::uint16_t port) {
    const std::string text(ip);
    Address out{.ip = {}, .port = port, .v6 = false};
    in6_addr six{};
    in_addr v4{};
    char canonical[INET6_ADDRSTRLEN] = {};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        out.ip = inet_ntop(AF_INET, &v4, canonical, sizeof canonical);
    } else if (inet_pton(AF_INET6, text.c_str(), &six) == 1) {
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&six);
        out.ip = mapped ? inet_ntop(AF_INET, &six.s6_addr[12], canonical, sizeof canonical)
                        : inet_ntop(AF_INET6, &six, canonical, sizeof canonical);
        out.v6 = !mapped;
    } else {
        return std::nullopt;
    }
    return out;
}

socklen_t Address::to_sockaddr(sockaddr_storage& out) const {
    std::memset(&out, 0, sizeof out);
    if (v6) {
        auto& six = reinterpret_cast<sockaddr_in6&>(out);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        inet_pton(AF_INET6, ip.c_str(), &six.sin6_addr);
        return sizeof(sockaddr_in6);
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    inet_pton(AF_INET, ip.c_str(), &v4.sin_addr);
    return sizeof(sockaddr_in);
}

}  // namespace veredus::net
