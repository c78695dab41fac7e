#include "daemons/relayd/route.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/mail/header.h"

namespace veredus::relayd {
namespace {

using async::Task;
using config::NextHop;

constexpr std::uint16_t kSmtpPort = 25;
constexpr int kLooksForPassword = 20;
constexpr auto kPauseBetweenLooks = std::chrono::milliseconds(100);

// A host with what the DNS says of its addresses.
struct Host {
    std::string name;
    unsigned preference = 0;
    std::uint32_t lot = 0;               // decides among equals
    std::vector<std::string> addresses;  // IPv6 first
    bool temporary = false;              // no addresses now, perhaps later
    std::string reason;                  // why it has none
};

Verdict no_route(bool temporary, std::string status, std::string reply) {
    return temporary ? deferred("4" + status, std::move(reply))
                     : failed("5" + status, std::move(reply));
}

bool is_temporary(dns::Status status) {
    return status == dns::Status::temporary || status == dns::Status::bogus;
}

// "[IPv6:2001:db8::1]", the literal of RFC 5321 section 4.1.3, as NextHop spells it.
std::string without_tag(std::string text) {
    constexpr std::string_view kTag = "[ipv6:";
    if (mail::ascii_lower(text.substr(0, kTag.size())) == kTag) text.erase(1, kTag.size() - 1);
    return text;
}

// RFC 5321 section 5.1: best preference first, at random among equals.
void put_in_order(const RouteContext& context, std::vector<Host>& hosts) {
    for (Host& host : hosts)
        context.random(&host.lot, sizeof host.lot);
    std::ranges::sort(hosts, {}, [](const Host& h) { return std::pair(h.preference, h.lot); });
}

Task<> look_up(dns::Resolver& resolver, Host& host, async::Stop& stop) {
    if (const auto numeric = net::Address::parse(host.name, 0)) {
        host.addresses = {numeric->ip};
        co_return;
    }
    const auto v6 = co_await resolver.aaaa(host.name, stop);
    const auto v4 = co_await resolver.a(host.name, stop);
    host.addresses = v6.records;
    host.addresses.insert(host.addresses.end(), v4.records.begin(), v4.records.end());
    host.temporary = is_temporary(v4.status) || is_temporary(v6.status);
    host.reason = is_temporary(v6.status) ? v6.reason : v4.reason;
}

Task<> look_up_all(const RouteContext& context, std::vector<Host>& hosts, async::Stop& stop) {
    const auto body = [&](async::Scope& scope) -> Task<> {
        for (Host& host : hosts)
            scope.spawn(look_up, std::ref(context.resolver), std::ref(host),
                        std::ref(scope.stop()));
        co_return;
    };
    co_await async::with_scope(context.loop, stop, body);
    stop.check();
}

// Is what answers at this address and port this very host? A foreign domain may say so by mistake
// or on purpose ("MX 0 localhost."), and its mail would come back for ever.
bool is_ourselves(const Identity& identity, const std::string& ip, std::uint16_t port) {
    if (port != identity.smtp_port && port != kSmtpPort) return false;
    const auto address = net::Address::parse(ip, port);
    return address && (address->loopback() || address->unspecified() ||
                       std::ranges::count(identity.addresses, address->ip) > 0);
}

// RFC 5321 section 5.1: where we are a mail exchanger ourselves, we and what is no better than us
// are no way. Gives what it was known by, if so.
std::optional<std::string> drop_ourselves(const Identity& identity, std::uint16_t port,
                                          std::vector<Host>& hosts) {
    for (const Host& host : hosts) {
        const auto own = std::ranges::find_if(host.addresses, [&](const std::string& ip) {
            return is_ourselves(identity, ip, port);
        });
        const bool by_address = own != host.addresses.end();
        if (!by_address && !mail::equal_ignoring_case(host.name, identity.hostname)) continue;
        auto known_by = by_address ? fmt::format("{}[{}]", host.name, *own) : host.name;
        const unsigned limit = host.preference;
        std::erase_if(hosts, [&](const Host& other) { return other.preference >= limit; });
        return known_by;
    }
    return std::nullopt;
}

// A reload may have reached queued a moment ago, and not us.
Task<std::optional<std::string>> password_at(const RouteContext& context, const NextHop& hop,
                                             async::Stop& stop) {
    for (int looked = 0;; ++looked) {
        if (const auto* login = context.config.login_at(hop)) co_return login->password;
        if (looked == kLooksForPassword) co_return std::nullopt;
        co_await async::sleep_for(context.loop, kPauseBetweenLooks, stop);
    }
}

Route targets_of(const NextHop& hop, const std::vector<Host>& hosts) {
    std::vector<Target> targets;
    bool temporary = false;
    std::string reason = "no address";
    for (const Host& host : hosts) {
        if (host.addresses.empty()) {
            temporary = temporary || host.temporary;
            reason = host.reason;
        }
        for (const std::string& ip : host.addresses) {
            if (targets.size() >= kTargetsMax) break;
            if (const auto address = net::Address::parse(ip, hop.port))
                targets.push_back({host.name, *address, hop.user, hop.password});
        }
    }
    if (!targets.empty()) return targets;
    const std::string reply =
        fmt::format("no mail server of {} can be found: {}", hop.host, reason);
    return std::unexpected(no_route(temporary, temporary ? ".4.3" : ".4.4", reply));
}

// The hosts of a domain by its MX records; the domain itself where it has none.
Task<std::expected<std::vector<Host>, Verdict>> mail_exchangers(const RouteContext& context,
                                                                std::string domain,
                                                                async::Stop& stop) {
    const auto mx = co_await context.resolver.mx(domain, stop);
    if (is_null_mx(mx))  // RFC 7505
        co_return std::unexpected(
            failed("5.1.10", fmt::format("the domain {} receives no mail (null MX)", domain)));
    if (mx.status == dns::Status::no_domain)
        co_return std::unexpected(
            failed("5.1.2", fmt::format("the domain {} does not exist: {}", domain, mx.reason)));
    if (is_temporary(mx.status))
        co_return std::unexpected(deferred(
            "4.4.3",
            fmt::format("the mail servers of {} cannot be looked up: {}", domain, mx.reason)));
    std::vector<Host> hosts;
    for (const dns::MxRecord& record : mx.records)
        if (!record.host.empty())
            hosts.push_back({.name = record.host, .preference = record.preference});
    if (mx.status == dns::Status::no_data) hosts.push_back({.name = std::move(domain)});
    put_in_order(context, hosts);
    if (hosts.size() > kHostsMax) hosts.resize(kHostsMax);
    co_return hosts;
}

}  // namespace

std::string Target::remote() const {
    return fmt::format("{}[{}]:{}", host, address.ip, address.port);
}

bool Target::operator==(const Target& other) const {
    return host == other.host && address.ip == other.address.ip &&
           address.port == other.address.port && user == other.user && password == other.password;
}

Task<Route> find_route(const RouteContext& context, std::string next_hop, async::Stop& stop) {
    auto hop = NextHop::parse(without_tag(std::move(next_hop)));
    if (!hop)
        co_return std::unexpected(failed("5.1.2", "no mail server can be found: " + hop.error()));
    if (!hop->user.empty()) {
        auto password = co_await password_at(context, *hop, stop);
        // RFC 3463 3.4: X.3.5, the system is incorrectly configured.
        if (!password)
            co_return std::unexpected(
                deferred("4.3.5", fmt::format("the configuration has no password of {} at {}",
                                              hop->user, hop->host)));
        hop->password = std::move(*password);
    }
    std::vector<Host> hosts;
    if (hop->look_up_mx) {
        auto found = co_await mail_exchangers(context, hop->host, stop);
        if (!found) co_return std::unexpected(std::move(found.error()));
        hosts = std::move(*found);
    } else {
        hosts.push_back({.name = hop->host});
    }
    co_await look_up_all(context, hosts, stop);
    if (hop->look_up_mx) {
        const auto ourselves = drop_ourselves(context.identity, hop->port, hosts);
        if (ourselves && hosts.empty())
            co_return std::unexpected(failed(
                "5.4.6", fmt::format("mail for {} loops back to this host: its mail server is {}, "
                                     "which is this host, and {} is not among its domains",
                                     hop->host, *ourselves, hop->host)));
    }
    co_return targets_of(*hop, hosts);
}

}  // namespace veredus::relayd
