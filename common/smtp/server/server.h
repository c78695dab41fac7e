#pragma once

#include <string>
#include <unordered_map>

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/smtp/server/policy.h"
#include "common/smtp/server/session.h"

namespace veredus::smtp {

// Takes connections and runs a session for each.
class Server {
  public:
    enum class Kind { plain, implicit_tls, local_programs };

    // Limits and names are taken from env.config, also after it was read again.
    explicit Server(daemon::Env& env);

    // Listens on the socket, in `scope`. The policy outlives it.
    void listen(async::Scope& scope, net::Descriptor listening, Kind kind, Policy& policy);
    // After a change of env.config; sessions under way see it too.
    void configure();

  private:
    async::Task<> accept(async::Scope& scope, Kind kind, Policy& policy, net::Descriptor listening);
    async::Task<> serve(async::Stop& stop, Kind kind, Policy& policy, net::Descriptor socket);
    bool crowded(const std::string& ip) const;

    daemon::Env& env_;
    SessionWorld world_;
    std::unordered_map<std::string, unsigned> connections_;  // by IP address
};

}  // namespace veredus::smtp
