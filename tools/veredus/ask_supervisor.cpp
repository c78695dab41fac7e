#include "tools/veredus/ask_supervisor.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "common/net/descriptor.h"

namespace veredus {

using nlohmann::json;

std::optional<json> ask_supervisor(const config::InstancePaths& paths) {
    const auto path = paths.status_socket().string();
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return std::nullopt;
    std::memcpy(name.sun_path, path.data(), path.size());
    const net::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    constexpr timeval kLimit{10, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kLimit, sizeof kLimit);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
        return std::nullopt;
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t length = 0; (length = ::read(socket.get(), piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(length));
    json report = json::parse(text, nullptr, false);
    if (report.is_discarded()) return std::nullopt;
    return report;
}

bool systemd_runs(const config::InstancePaths& paths) {
    return paths.directory().empty() && ::access("/run/systemd/system", F_OK) == 0;
}

}  // namespace veredus
