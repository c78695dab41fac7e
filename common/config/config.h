#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::config {

using Duration = std::chrono::milliseconds;

// Where mail for a destination goes, as written in [routes] and relay.smarthost:
// "[user:password@]host[:port]". A host in brackets is taken as it is, without an MX look-up; so is
// an IP address.
struct NextHop {
    std::string host;  // a name, or an IP address without brackets
    std::uint16_t port = 25;
    bool look_up_mx = true;
    std::string user;      // empty: no authentication
    std::string password;  // never logged, never printed by show()

    // The error says what was expected and gives an example.
    static std::expected<NextHop, std::string> parse(std::string_view text);
    // As parse() reads it.
    std::string text() const;
    // Of what text() gives: without user and password, as people are shown it.
    static std::string_view shown(std::string_view text);

    bool operator==(const NextHop&) const = default;
};

struct Route {
    std::string
        destination;  // lower case: "peer.example"; "*.peer.example" for all below it; "*" for any
    NextHop next_hop;

    bool operator==(const Route&) const = default;
};

// So many in a time, evenly spread.
struct Rate {
    unsigned count = 0;  // 0: as many as there are
    Duration per{};

    // "60/m", "5/s", "1/10s"; nothing if it is not one.
    static std::optional<Rate> parse(std::string_view text);
    std::string text() const;
    // From one to the next; 0 when as many as there are.
    std::chrono::microseconds pace() const;

    bool operator==(const Rate&) const = default;
};

// What a destination is to get at most; 0: what Veredus finds out by itself.
struct DestinationLimits {
    unsigned connections = 0;  // at a time
    unsigned messages = 0;     // over one connection
    unsigned recipients = 0;   // of a message at a time
    Rate rate;                 // of messages

    bool operator==(const DestinationLimits&) const = default;
};

// A line of [destinations].
struct Destination {
    std::string pattern;  // as Route::destination, or an IP address
    DestinationLimits limits;

    bool operator==(const Destination&) const = default;
};

struct ConfigError {
    std::size_t line = 0;  // 1 is the first; 0 when the error belongs to no line
    std::string key;       // dotted, e.g. "queue.retry_first"; empty for errors of syntax
    std::string message;   // what is wrong, what was expected, an example or the nearest known key
    std::string file{};    // of several: in which; else empty

    // With the file's own name, or else this one: "veredus.toml:12: queue.retry_frist: unknown
    // setting; did you mean retry_first?"
    std::string text(std::string_view file_name) const;
};

// A file of the configuration.
struct Source {
    std::string name;
    std::string text;
};

// Where each key that is set was set last: "limits.recipients" to "veredus.toml:12".
using Origins = std::map<std::string, std::string, std::less<>>;

// veredus.toml as values. A default-made Config holds the defaults. Each field has one row in
// settings.cpp with its key, its text of help and its check.
struct Config {
    std::string hostname;              // load() puts the host's own name here if none is set
    std::vector<std::string> domains;  // lower case; load() puts the hostname here if none is set

    struct Listen {
        std::vector<std::string> address{"127.0.0.1", "::1"};
        unsigned port_base = 0;  // added to every standard port
        bool operator==(const Listen&) const = default;
    } listen;

    struct Tls {  // relative paths count from the directory of veredus.toml
        std::string certificate = "tls/cert.pem";
        std::string key = "tls/key.pem";
        bool operator==(const Tls&) const = default;
    } tls;

    struct Relay {
        std::optional<NextHop> smarthost;  // none: the destination's MX
        bool operator==(const Relay&) const = default;
    } relay;

    std::vector<Route> routes;              // in the order of the file
    std::vector<Destination> destinations;  // in the order of the file

    struct Dns {
        std::vector<std::string>
            servers;  // "address" or "address:port", "[address]:port"; empty: the system's
        bool operator==(const Dns&) const = default;
    } dns;

    struct Queue {
        bool paused = false;
        Duration retry_first = std::chrono::minutes(5);
        Duration retry_max = std::chrono::hours(4);
        Duration expire = std::chrono::days(5);
        Duration delay_notice = std::chrono::hours(4);
        std::uint64_t min_free = 64ull << 20;  // bytes
        bool operator==(const Queue&) const = default;
    } queue;

    struct Ledger {
        Duration keep = std::chrono::days(30);
        bool operator==(const Ledger&) const = default;
    } ledger;

    struct Limits {
        std::uint64_t message_size = 50ull << 20;  // bytes
        unsigned recipients = 1000;  // of one message; RFC 5321 4.5.3.1.8: at least 100
        unsigned connections_per_address = 50;
        Duration idle = std::chrono::minutes(5);
        bool operator==(const Limits&) const = default;
    } limits;

    struct Log {
        bool json = false;
        bool operator==(const Log&) const = default;
    } log;

    struct Accounts {
        Duration failure_delay = std::chrono::seconds(2);
        bool operator==(const Accounts&) const = default;
    } accounts;

    struct Local {
        bool users = false;
        std::string alias_user = "nobody";
        Duration command_timeout = std::chrono::minutes(5);
        bool operator==(const Local&) const = default;
    } local;

    bool operator==(const Config&) const = default;

    // The file and its drop-ins, which are read after it: of veredus.toml those in veredus.d that
    // end in .toml, in the order of their names. All that is wrong, in the order of files and
    // lines; a file that can't be read is one error on line 0.
    static std::expected<Config, std::vector<ConfigError>> load(const std::filesystem::path& file,
                                                                Origins* origins = nullptr);
    static std::expected<Config, std::vector<ConfigError>> parse(std::string_view text);
    // What a later source sets replaces what an earlier one did; its new lines of [routes] and
    // [destinations] come after theirs.
    static std::expected<Config, std::vector<ConfigError>> parse(const std::vector<Source>& sources,
                                                                 Origins* origins = nullptr);

    // The first route whose destination matches, in any case of letters; null if none does. Lives
    // as long as *this.
    const Route* route_for(std::string_view domain) const;
    // Of a next hop, by its host; `next_hop` is spelt as NextHop::parse reads it. Each limit is
    // that of the first line that matches and has it.
    DestinationLimits limits_for(std::string_view next_hop) const;
    bool is_local_domain(std::string_view domain) const;
    // The same next hop with the same user, as the smarthost or in [routes]: whose password this
    // is. Null if there is none. Lives as long as *this.
    const NextHop* login_at(const NextHop& hop) const;
};

// With "***" for the passwords of next hops: for whoever does not log in there.
Config without_passwords(Config config);

// The file that parse() reads as `config`, with each setting's help as a comment; a setting that
// has its default value stands there as a comment. `write(Config{})` is etc/veredus.toml.
std::string write(const Config& config);
// Each setting on a line with its present value and where that comes from,
// "queue.retry_first = "5m"  # default"; passwords as "***".
std::string show(const Config& config, const Origins& origins);

// The name this host gives itself, in lower case; "localhost" if that is no name.
std::string host_name();

// "5m", "4h", "5d", "2s", "250ms", also in sequence "1h30m"; nothing if it is not one.
std::optional<Duration> parse_duration(std::string_view text);
std::string duration_text(Duration duration);
// "50MiB", "64KiB", "1GiB", "512B", "512", "10MB" (powers of 1000); nothing if it is not one or
// over 2^63.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

}  // namespace veredus::config
