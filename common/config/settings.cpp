#include "common/config/settings.h"

#include <array>

#include <fmt/format.h>

#include "common/config/names.h"

namespace veredus::config {
namespace {

// The highest standard port is managesieve's, 4190.
constexpr unsigned kPortBaseMax = 65535 - 4190;

std::string check_hostname(Config& config) {
    config.hostname = lower_case(config.hostname);
    if (config.hostname.empty() || is_domain_name(config.hostname)) return "";
    return "expected a host name, e.g. \"mx.example.org\"";
}

std::string check_domains(Config& config) {
    for (std::string& domain : config.domains) {
        domain = lower_case(domain);
        if (!is_domain_name(domain))
            return fmt::format("\"{}\" is not a domain; expected names such as \"example.org\"",
                               domain);
    }
    return "";
}

std::string check_addresses(Config& config) {
    if (config.listen.address.empty()) return "expected at least one address, e.g. [\"127.0.0.1\"]";
    for (const std::string& address : config.listen.address)
        if (!is_ip_address(address))
            return fmt::format("\"{}\" is not an IP address; expected e.g. \"0.0.0.0\" or \"::1\"",
                               address);
    return "";
}

std::string check_port_base(Config& config) {
    if (config.listen.port_base <= kPortBaseMax) return "";
    return fmt::format("expected a number from 0 to {}", kPortBaseMax);
}

std::string check_servers(Config& config) {
    for (const std::string& server : config.dns.servers) {
        if (is_ip_address(server)) continue;
        const auto hop = NextHop::parse(server);
        if (!hop || !is_ip_address(hop->host) || !hop->user.empty())
            return fmt::format(
                "\"{}\" is not the address of a server; expected e.g. \"192.0.2.53\", "
                "\"127.0.0.1:5353\" or \"[::1]:5353\"",
                server);
    }
    return "";
}

std::string check_retry_first(Config& config) {
    return config.queue.retry_first < std::chrono::seconds(1) ? "expected at least \"1s\"" : "";
}

std::string check_retry_max(Config& config) {
    if (config.queue.retry_max >= config.queue.retry_first) return "";
    return fmt::format("expected no less than retry_first, which is \"{}\"",
                       duration_text(config.queue.retry_first));
}

std::string check_keep(Config& config) {
    return config.ledger.keep < std::chrono::days(1) ? "expected at least \"1d\"" : "";
}

// RFC 5321 4.5.3.1.7 asks for 64 KiB, header included.
std::string check_message_size(Config& config) {
    return config.limits.message_size < (64u << 10) ? "expected at least \"64KiB\"" : "";
}

std::string check_recipients(Config& config) {
    return config.limits.recipients < 100 ? "expected at least 100 (RFC 5321 4.5.3.1.8)" : "";
}

std::string check_connections(Config& config) {
    return config.limits.connections_per_address == 0 ? "expected at least 1" : "";
}

std::string check_idle(Config& config) {
    return config.limits.idle < std::chrono::seconds(1) ? "expected at least \"1s\"" : "";
}

std::string check_failure_delay(Config& config) {
    return config.accounts.failure_delay > std::chrono::minutes(1) ? "expected at most \"1m\"" : "";
}

std::string check_alias_user(Config& config) {
    return config.local.alias_user.empty() || config.local.alias_user == "root"
               ? "expected a user of this host other than root, e.g. \"nobody\""
               : "";
}

std::string check_command_timeout(Config& config) {
    return config.local.command_timeout < std::chrono::seconds(1) ? "expected at least \"1s\"" : "";
}

// clang-format off
const std::array kSettings{
    Setting{"hostname", [](Config& c) -> std::string& { return c.hostname; },
        "The name of this host as others see it: in greetings, in Received, in message ids.\n"
        "Empty: the name the system gives itself.\n", check_hostname},
    Setting{"domains", [](Config& c) -> std::vector<std::string>& { return c.domains; },
        "Mail for these domains is delivered here. Empty: for the hostname alone.\n", check_domains},

    Setting{"listen.address", [](Config& c) -> std::vector<std::string>& { return c.listen.address; },
        "The IP addresses to serve on, e.g. [\"0.0.0.0\", \"::\"] for all of this host.\n", check_addresses},
    Setting{"listen.port_base", [](Config& c) -> unsigned& { return c.listen.port_base; },
        "Added to every standard port: with 20000, SMTP is at 20025 and IMAP at 20143.\n", check_port_base},

    Setting{"tls.certificate", [](Config& c) -> std::string& { return c.tls.certificate; },
        "The certificate with its chain, PEM; a relative path counts from this file's directory.\n"},
    Setting{"tls.key", [](Config& c) -> std::string& { return c.tls.key; },
        "The certificate's private key, PEM.\n"},

    Setting{"relay.smarthost", [](Config& c) -> std::optional<NextHop>& { return c.relay.smarthost; },
        "All mail for other hosts goes through this one: \"[host]:port\", with a login\n"
        "\"user:password@[host]:587\". Empty: to the MX of each destination.\n"},

    Setting{"dns.servers", [](Config& c) -> std::vector<std::string>& { return c.dns.servers; },
        "Name servers to ask, \"address\" or \"address:port\". Empty: the system's.\n", check_servers},

    Setting{"queue.paused", [](Config& c) -> bool& { return c.queue.paused; },
        "true: accept mail and keep it, deliver nothing.\n"},
    Setting{"queue.retry_first", [](Config& c) -> Duration& { return c.queue.retry_first; },
        "The pause after the first attempt that failed; pauses then grow up to retry_max.\n", check_retry_first},
    Setting{"queue.retry_max", [](Config& c) -> Duration& { return c.queue.retry_max; },
        "The longest pause between two attempts.\n", check_retry_max},
    Setting{"queue.expire", [](Config& c) -> Duration& { return c.queue.expire; },
        "Mail that could not be delivered for so long goes back to its sender.\n"},
    Setting{"queue.delay_notice", [](Config& c) -> Duration& { return c.queue.delay_notice; },
        "After so long the sender is told that his mail is still waiting. \"0s\": never.\n"},

    Setting{"queue.min_free", [](Config& c) -> std::uint64_t& { return c.queue.min_free; },
        "With less than this free on the disk of the queue, mail is refused for now (452), so that\n"
        "what becomes of the mail that is here still finds a place.\n"},

    Setting{"ledger.keep", [](Config& c) -> Duration& { return c.ledger.keep; },
        "How long `veredus trace` knows a message that has left the queue. Days go as a whole.\n", check_keep},

    Setting{"limits.message_size", [](Config& c) -> std::uint64_t& { return c.limits.message_size; },
        "The largest message taken.\n", check_message_size},
    Setting{"limits.recipients", [](Config& c) -> unsigned& { return c.limits.recipients; },
        "The most recipients of one message; of one from a program of this host a hundred times as\n"
        "many.\n", check_recipients},
    Setting{"limits.connections_per_address", [](Config& c) -> unsigned& { return c.limits.connections_per_address; },
        "The most connections that one client address may have with one daemon.\n", check_connections},
    Setting{"limits.idle", [](Config& c) -> Duration& { return c.limits.idle; },
        "A client that says nothing for so long is disconnected.\n", check_idle},

    Setting{"log.json", [](Config& c) -> bool& { return c.log.json; },
        "true: each line of the log is an object of JSON, not in the form that analysers of mail logs\n"
        "read. Changes with the next start.\n"},

    Setting{"accounts.failure_delay", [](Config& c) -> Duration& { return c.accounts.failure_delay; },
        "How long the answer to a wrong password takes.\n", check_failure_delay},

    Setting{"local.users", [](Config& c) -> bool& { return c.local.users; },
        "Users of this host get mail too: where ~/.forward says, or else in /var/mail. Changes with the\n"
        "next start.\n"},
    Setting{"local.alias_user", [](Config& c) -> std::string& { return c.local.alias_user; },
        "As whom programs are run, files written and lists read that /etc/aliases names. Never root.\n", check_alias_user},
    Setting{"local.command_timeout", [](Config& c) -> Duration& { return c.local.command_timeout; },
        "A program that mail is given to is ended after so long, and the mail tried again later.\n", check_command_timeout},
};
// clang-format on

}  // namespace

std::span<const Setting> settings() {
    return kSettings;
}

std::string_view Setting::section() const {
    const auto dot = key.find('.');
    return dot == std::string_view::npos ? std::string_view() : key.substr(0, dot);
}

std::string_view Setting::name() const {
    return key.substr(key.find('.') + 1);
}

}  // namespace veredus::config
