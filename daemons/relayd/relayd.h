#pragma once

#include <string>
#include <vector>

#include "common/daemon/env.h"
#include "common/dns/resolver.h"
#include "daemons/relayd/client_session.h"

namespace veredus::relayd {

// What relayd reaches beyond its Env.
struct Outside {
    dns::Resolver& resolver;
    net::TlsContext& tls;
    Connect connect;
    std::vector<std::string> own_addresses;  // of this host's interfaces
};

// Takes jobs from queued over the link `work`, dialled again whenever it breaks, and delivers them
// to other hosts. Throws Stopped when env.stop was requested and what was on its way has ended.
async::Task<> serve(daemon::Env& env, Outside& outside);

}  // namespace veredus::relayd
