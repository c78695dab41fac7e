#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/config/config.h"
#include "common/dns/resolver.h"
#include "common/net/address.h"
#include "daemons/relayd/verdict.h"

namespace veredus::relayd {

// A host to speak to, at one of its addresses.
struct Target {
    std::string host;  // its name, or its address where nobody gave a name
    net::Address address;
    std::string user;  // empty: no authentication
    std::string password;

    std::string remote() const;  // "mx.b.example[192.0.2.1]:25", as the log has it
    bool operator==(const Target& other) const;
};

// By what this host may itself be found as a mail exchanger (RFC 5321 section 5.1).
struct Identity {
    std::string hostname;
    std::vector<std::string> addresses;
    std::uint16_t smtp_port = 25;
};

struct RouteContext {
    async::Loop& loop;
    const config::Config& config;  // has the passwords
    dns::Resolver& resolver;
    Identity identity;
    std::function<void(void*, std::size_t)> random;
};

using Route = std::expected<std::vector<Target>, Verdict>;

inline constexpr std::size_t kHostsMax = 10;
inline constexpr std::size_t kTargetsMax = 10;

// The targets for a next hop (as in ipc::work::Job) in the order to try them: hosts by MX
// preference, at random where it is equal; of a host, IPv6 first. Not empty; or why there are none.
// Throws Stopped.
async::Task<Route> find_route(const RouteContext& context, std::string next_hop, async::Stop& stop);

}  // namespace veredus::relayd
