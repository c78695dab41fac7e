#include "tools/veredus/supervisor/sockets.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/net/address.h"
#include "tools/veredus/owner.h"

namespace veredus::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr int kBacklog = 4096;

std::string reason(int error) {
    return std::generic_category().message(error);
}

[[noreturn]] void refuse_port(const net::Address& address, int error) {
    const std::string where = address.text();
    if (error == EADDRINUSE)
        throw Failure(EX_UNAVAILABLE,
                      fmt::format("{} is taken by another program (see `ss -ltnp`); stop that, "
                                  "or choose another listen.port_base",
                                  where));
    if (error == EACCES)
        throw Failure(EX_NOPERM,
                      fmt::format("{} is for root alone; set listen.port_base to 20000, say, "
                                  "and it will be port {}",
                                  where, 20000 + address.port));
    throw Failure(EX_OSERR, fmt::format("cannot listen on {}: {}", where, reason(error)));
}

bool is_absent(int error) {
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

// An empty descriptor where this host does not have the address.
net::Descriptor open_port(const net::Address& address) {
    net::Descriptor socket(
        ::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (socket) {
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (address.v6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    sockaddr_storage storage{};
    const socklen_t length = address.to_sockaddr(storage);
    int error = socket ? 0 : errno;
    const auto bind_it = [&] {
        if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 ||
            ::listen(socket.get(), kBacklog) != 0)
            error = errno;
    };
    if (error == 0) as_root(bind_it);
    if (is_absent(error)) return {};
    if (error != 0) refuse_port(address, error);
    return socket;
}

// 128 random bits as 26 letters and digits.
std::string unguessable_name() {
    std::array<unsigned char, 26> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        throw Failure(EX_OSERR, "no source of random numbers");
    std::string name;
    for (const unsigned char byte : bytes)
        name += "0123456789abcdefghjkmnpqrstvwxyz"[byte % 32];
    return name;
}

constexpr std::size_t kNameLength = 26;

fs::path make_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        throw Failure(EX_CANTCREAT, fmt::format("{}: {}", path.string(), reason(errno)));
    return path;
}

}  // namespace

Listenings open_ports(const Daemons& daemons, const config::Config& config,
                      std::vector<std::string>& warnings) {
    Listenings listenings;
    for (const std::string& ip : config.listen.address) {
        bool absent = false;
        for (const DaemonRow* daemon : daemons) {
            for (const Port& port : daemon->ports) {
                const auto number =
                    static_cast<std::uint16_t>(port.standard + config.listen.port_base);
                const auto address = net::Address::parse(ip, number);
                net::Descriptor socket = open_port(address.value());
                absent = !socket;
                if (absent) break;
                listenings[std::string(daemon->name)].push_back(
                    {std::string(port.name), std::string(port.passed_as), address->text(), number,
                     std::move(socket)});
            }
            if (absent) break;
        }
        if (absent) warnings.push_back(fmt::format("this host does not have the address {}", ip));
    }
    if (listenings.empty())
        throw Failure(EX_CONFIG, "none of the addresses in listen.address is of this host");
    return listenings;
}

net::Descriptor open_unix_socket(const fs::path& path, int type, unsigned mode) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof name.sun_path)
        throw Failure(EX_CANTCREAT,
                      fmt::format("{} is too long for the name of a socket (over {} bytes): "
                                  "choose a shorter directory for the instance",
                                  path.string(), sizeof name.sun_path - 1));
    std::memcpy(name.sun_path, path.c_str(), path.native().size());
    ::unlink(path.c_str());
    net::Descriptor socket(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // The mode is there from the start: nobody else gets in before chmod.
    const mode_t old_mask = ::umask(~mode & 0777);
    const int bound =
        socket ? ::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) : -1;
    const int error = errno;
    ::umask(old_mask);
    if (bound != 0 || (type != SOCK_DGRAM && ::listen(socket.get(), kBacklog) != 0))
        throw Failure(EX_CANTCREAT,
                      fmt::format("{}: {}", path.string(), reason(bound != 0 ? error : errno)));
    return socket;
}

std::map<std::string, std::string> open_links(const Daemons& daemons,
                                              const config::InstancePaths& paths,
                                              Listenings& listenings) {
    std::map<std::string, std::string> links;
    for (const DaemonRow* daemon : daemons) {
        auto& own = listenings[std::string(daemon->name)];
        for (const std::string_view link : daemon->serves) {
            const fs::path path = make_directory(paths.run() / unguessable_name()) / link;
            own.push_back({std::string(link), std::string(link), path.string(), 0,
                           open_unix_socket(path, SOCK_SEQPACKET, 0600)});
            links.emplace(link, path.string());
        }
        if (daemon->local_submission) {
            const fs::path path = paths.submission_socket();
            own.push_back({"submission", "submission", path.string(), 0,
                           open_unix_socket(path, SOCK_STREAM, 0666)});
        }
    }
    return links;
}

void remove_leftovers(const config::InstancePaths& paths) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(paths.run(), ignored)) {
        const bool link =
            entry.is_directory(ignored) && entry.path().filename().native().size() == kNameLength;
        if (link || entry.is_socket(ignored)) fs::remove_all(entry.path(), ignored);
    }
    fs::remove(paths.links_file(), ignored);
}

}  // namespace veredus::supervisor
