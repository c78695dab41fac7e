#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/instance.h"
#include "common/net/descriptor.h"
#include "tools/shared/failure.h"
#include "tools/veredus/supervisor/graph.h"

namespace veredus::supervisor {

// A listening socket, open as long as the instance runs, so that a daemon's restart refuses nobody.
struct Listening {
    std::string name;       // for people
    std::string passed_as;  // in LISTEN_FDNAMES
    std::string address;    // "127.0.0.1:25"; a path for UNIX sockets
    std::uint16_t port{};   // 0 for UNIX sockets
    net::Descriptor socket;
};

// What each of `daemons` listens on, by the daemon's name. `warnings` gets a sentence for each
// address that this host does not have, as ::1 where there is no IPv6. Throws Failure.
using Listenings = std::map<std::string, std::vector<Listening>, std::less<>>;
Listenings open_ports(const Daemons& daemons, const config::Config& config,
                      std::vector<std::string>& warnings);

// The UNIX sockets: one for each link, in a directory of its own whose name cannot be guessed, and
// run/submission. They are added to `listenings`; the paths of links are returned.
std::map<std::string, std::string> open_links(const Daemons& daemons,
                                              const config::InstancePaths& paths,
                                              Listenings& listenings);

// A UNIX socket of `type` with exactly this mode, in place of what had that name. Listens unless it
// is a datagram socket. Throws Failure.
net::Descriptor open_unix_socket(const std::filesystem::path& path, int type, unsigned mode);

// What an earlier run left in run/.
void remove_leftovers(const config::InstancePaths& paths);

}  // namespace veredus::supervisor
