#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/instance.h"
#include "tools/veredus/supervisor/graph.h"
#include "tools/veredus/supervisor/sockets.h"

namespace veredus::supervisor {

// All that a daemon is started with.
struct Birth {
    const DaemonRow& daemon;
    std::filesystem::path program;
    const std::vector<Listening>& sockets;
    std::vector<std::string> environment;  // "NAME=value"
};

// The environment of a daemon: the instance, where to report, and what it may dial.
std::vector<std::string> environment_of(const DaemonRow& daemon, const config::InstancePaths& paths,
                                        const std::map<std::string, std::string>& links,
                                        const std::filesystem::path& notify_socket);

// Starts it by systemd's protocol (sd_listen_fds(3)): descriptors from 3 on, in a process group of
// its own, to be killed when this process dies, with no capability. Throws std::system_error.
pid_t start(const Birth& birth);

// Its program, where it is there.
std::optional<std::filesystem::path> installed_program(std::string_view daemon);
// daemons/NAME/NAME of the build tree that the running program is of, else /usr/lib/veredus/NAME;
// VEREDUS_DAEMONS names another directory. Throws Failure.
std::filesystem::path find_program(std::string_view daemon);

}  // namespace veredus::supervisor
