// relayd: mail to other hosts. It may connect anywhere and dial queued; it sees no message but
// those that queued hands it, and reads no file but its configuration.
//
// Links: dials work.relayd (queued). Files, all read before it locks itself in: the system's
// trusted roots, /etc/resolv.conf, /etc/hosts.
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/daemon/start.h"
#include "common/dns/unbound_resolver.h"
#include "daemons/relayd/relayd.h"

using namespace veredus;

namespace {

// Debian's bundle of trusted roots; a directory of them could not be searched from the sandbox.
constexpr const char* kTrustedRoots = "/etc/ssl/certs/ca-certificates.crt";

std::vector<std::string> own_addresses() {
    std::vector<std::string> out;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return out;
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        const int family = at->ifa_addr->sa_family;
        if (family == AF_INET)
            out.push_back(net::Address::from(at->ifa_addr, sizeof(sockaddr_in)).ip);
        if (family == AF_INET6)
            out.push_back(net::Address::from(at->ifa_addr, sizeof(sockaddr_in6)).ip);
    }
    ::freeifaddrs(list);
    return out;
}

async::Task<> serve(daemon::Env& env, dns::UnboundContext& names, net::TlsContext& tls,
                    const std::vector<std::string>& addresses) {
    dns::UnboundResolver resolver(env.loop, std::move(names));
    const auto connect = [&](net::Address to, async::Duration limit, async::Stop& stop) {
        return net::Stream::connect(env.loop, std::move(to), limit, stop);
    };
    relayd::Outside outside{resolver, tls, connect, addresses};
    co_await relayd::serve(env, outside);
}

}  // namespace

int main() {
    daemon::Start start("relayd");
    auto tls = net::TlsContext::client(::access(kTrustedRoots, R_OK) == 0 ? kTrustedRoots : "");
    try {
        dns::UnboundContext names({.servers = start.config().dns.servers});
        const auto addresses = own_addresses();
        start.lock_in();
        return start.run([&](daemon::Env& env) { return serve(env, names, tls, addresses); });
    } catch (const std::runtime_error& error) {
        start.log().error("{}", error.what());
        return EX_CONFIG;
    }
}
