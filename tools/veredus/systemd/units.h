#pragma once

#include <map>
#include <string>

#include "common/config/config.h"
#include "common/config/instance.h"

namespace veredus::systemd {

// Name of a file below a directory of units, and its text.
using Files = std::map<std::string, std::string>;

// The units of the installed host: veredus.service, which puts the configuration in force; a
// service for each daemon; a socket for each port, for each link, and for programs of this host.
// See systemd.service(5), systemd.socket(5), systemd.exec(5).
Files units(const config::InstancePaths& paths);

// What veredus.toml says otherwise: drop-ins for the sockets of ports and for who reads the
// certificate (systemd.generator(7)).
Files drop_ins(const config::InstancePaths& paths, const config::Config& config);

}  // namespace veredus::systemd
