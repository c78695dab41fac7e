#pragma once

#include <functional>
#include <memory>

#include "common/async/task.h"
#include "common/daemon/env.h"
#include "common/ipc/account.h"
#include "common/ipc/request_link.h"
#include "common/net/connection_count.h"
#include "common/net/tls.h"

namespace veredus::pop3d {

using LoginLink = ipc::RequestLink<ipc::login::Request, ipc::login::Answer>;

// What all sessions of the daemon share.
struct Service {
    daemon::Env& env;
    std::shared_ptr<net::TlsContext>
        tls;  // replaced on reload; a session keeps the one it began with
    LoginLink login;
    net::ConnectionCount connections;
};

// Reads the certificate and the key of the configuration in force.
using ReadTls = std::function<std::shared_ptr<net::TlsContext>(const config::Config&)>;

// Serves the sockets "pop3" and "pop3s" until env.stop, with the links "login".
async::Task<> serve(daemon::Env& env, ReadTls read_tls);

}  // namespace veredus::pop3d
