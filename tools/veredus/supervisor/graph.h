#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "common/config/instance.h"

namespace veredus::supervisor {

struct Port {
    std::string_view name;       // for people
    std::uint16_t standard;      // listen.port_base is added
    std::string_view passed_as;  // in LISTEN_FDNAMES
};

// When a daemon is told to stop: who faces clients goes first, who owns the data last.
enum class Stage { fronts, workers, owners };

// One daemon: the sockets it is given to listen on, and the links it is told the way to. Who may
// speak to whom is this table and nothing else.
struct DaemonRow {
    std::string_view name;
    Stage stage;
    std::span<const Port> ports;
    std::span<const std::string_view> serves;  // links (common/ipc), a SOCK_SEQPACKET socket each
    std::span<const std::string_view> dials;
    // Given run/submission too, a stream socket for programs of this host, passed as "submission".
    bool local_submission = false;
    // Started as root, and only where `local.users` asks for it.
    bool serves_host_users = false;
    bool has_own_package = false;  // and may be absent from a host
    bool has_passwords = false;    // of next hops, in its configuration
};

using Daemons = std::vector<const DaemonRow*>;

std::span<const DaemonRow> graph();

// What it reads its configuration from.
std::filesystem::path config_file_of(const DaemonRow& daemon, const config::InstancePaths& paths);

}  // namespace veredus::supervisor
