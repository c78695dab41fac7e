#pragma once

#include "common/async/task.h"
#include "common/daemon/certificate.h"
#include "common/daemon/env.h"
#include "common/ipc/account.h"
#include "common/ipc/request_link.h"
#include "common/net/connection_count.h"

namespace veredus::imapd {

using LoginLink = ipc::RequestLink<ipc::login::Request, ipc::login::Answer>;

// What all sessions of the daemon share.
struct Service {
    daemon::Env& env;
    daemon::Certificate& certificate;
    LoginLink login;
    net::ConnectionCount connections;
};

// Serves the sockets "imap" and "imaps" until env.stop, with the link "login".
async::Task<> serve(daemon::Env& env, daemon::Certificate& certificate);

}  // namespace veredus::imapd
