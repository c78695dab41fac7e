#define BOOST_TEST_MODULE config
#include "common/config/config.h"
#include "common/config/destinations.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include <boost/test/unit_test.hpp>

#include "common/config/instance.h"
#include "common/config/settings.h"

using namespace veredus::config;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// The errors of a file, a line each, as people see them.
std::string errors_of(std::string_view text) {
    const auto config = Config::parse(text);
    std::string all;
    if (!config)
        for (const ConfigError& error : config.error())
            all += error.text("veredus.toml") + "\n";
    return all;
}

std::string file_text(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view text) {
        char name[] = "/tmp/veredus-config-XXXXXX";
        const int descriptor = mkstemp(name);
        BOOST_REQUIRE(descriptor >= 0);
        close(descriptor);
        path = name;
        std::ofstream(path) << text;
    }
    ~TemporaryFile() { fs::remove(path); }
    fs::path path;
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_contract_s_example_is_read) {
    const auto config = Config::parse(R"(
hostname = "MX.example.org"
domains  = ["Example.org"]
[relay]
smarthost = ""
[routes]
"peer.example" = "[127.0.0.1]:20125"
[dns]
servers = ["127.0.0.1:5353"]
[queue]
paused = true
retry_first = "1m"
retry_max = "2h"
expire = "1d12h"
delay_notice = "0s"
[limits]
message_size = "5MiB"
connections_per_address = 7
idle = "90s"
[accounts]
failure_delay = "20ms"
)");
    BOOST_REQUIRE(config.has_value());
    BOOST_TEST(config->hostname == "mx.example.org");
    BOOST_TEST(config->domains == std::vector<std::string>{"example.org"});
    BOOST_TEST(!config->relay.smarthost.has_value());
    BOOST_REQUIRE_EQUAL(config->routes.size(), 1u);
    BOOST_TEST(config->routes[0].next_hop.text() == "[127.0.0.1]:20125");
    BOOST_TEST(config->dns.servers == std::vector<std::string>{"127.0.0.1:5353"});
    BOOST_TEST(config->queue.paused);
    BOOST_TEST((config->queue.retry_first == 1min));
    BOOST_TEST((config->queue.retry_max == 2h));
    BOOST_TEST((config->queue.expire == 36h));
    BOOST_TEST((config->queue.delay_notice == 0s));
    BOOST_TEST(config->limits.message_size == 5u << 20);
    BOOST_TEST(config->limits.connections_per_address == 7u);
    BOOST_TEST((config->limits.idle == 90s));
    BOOST_TEST((config->accounts.failure_delay == 20ms));
}

BOOST_AUTO_TEST_CASE(an_empty_file_gives_the_defaults_and_the_host_s_name) {
    BOOST_TEST((Config::parse("") == Config{}));
    const TemporaryFile file("");
    const auto config = Config::load(file.path);
    BOOST_REQUIRE(config.has_value());
    BOOST_TEST(!config->hostname.empty());
    BOOST_TEST(config->domains == std::vector<std::string>{config->hostname});
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_says_why) {
    const auto config = Config::load("/nonexistent/veredus.toml");
    BOOST_REQUIRE(!config.has_value());
    BOOST_TEST(config.error().at(0).text("/nonexistent/veredus.toml") ==
               "/nonexistent/veredus.toml: cannot be read: No such file or directory");
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_named_with_line_and_nearest_known) {
    BOOST_TEST(errors_of("[queue]\nretry_frist = \"5m\"\n") ==
               "veredus.toml:2: queue.retry_frist: unknown setting; did you mean retry_first?\n");
    BOOST_TEST(errors_of("\n[queu]\npaused = true\nexpire = \"1d\"\n") ==
               "veredus.toml:3: queu: unknown section; did you mean [queue]?\n");
    BOOST_TEST(errors_of("[queue]\nidle = \"5m\"\n") ==
               "veredus.toml:2: queue.idle: unknown setting; idle belongs into [limits]\n");
    BOOST_TEST(
        errors_of("[queue]\nhostname = \"a\"\n") ==
        "veredus.toml:2: queue.hostname: unknown setting; hostname stands at the top, before "
        "the first [section]\n");
    BOOST_TEST(errors_of("[tls]\nquux = 1\n") ==
               "veredus.toml:2: tls.quux: unknown setting; known here: certificate, key\n");
    BOOST_TEST(errors_of("[zebra]\nx = 1\n").find("known are: routes, destinations, listen, tls") !=
               std::string::npos);
    BOOST_TEST(errors_of("hostnmae = \"a\"\n") ==
               "veredus.toml:1: hostnmae: unknown setting; did you mean hostname?\n");
    BOOST_TEST(errors_of("[queue.retry]\nfirst = \"5m\"\n").find("queue.retry.first: unknown") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_values_say_what_was_expected) {
    struct Case {
        std::string_view text, expected;
    };
    constexpr Case kCases[] = {
        {"[queue]\npaused = \"yes\"", "2: queue.paused: expected true or false"},
        {"[queue]\nexpire = 5", "2: queue.expire: expected a duration in quotes with its unit"},
        {"[queue]\nexpire = \"5 days\"", "2: queue.expire: expected a duration"},
        {"[queue]\nretry_first = \"5h\"", "queue.retry_max: expected no less than retry_first"},
        {"[queue]\nretry_first = \"0s\"", "2: queue.retry_first: expected at least \"1s\""},
        {"[limits]\nmessage_size = 50", "2: limits.message_size: expected a size in quotes"},
        {"[limits]\nmessage_size = \"1KiB\"", "expected at least \"64KiB\""},
        {"[limits]\nconnections_per_address = -1", "expected a whole number"},
        {"[limits]\nrecipients = 99", "expected at least 100"},
        {"[limits]\nidle = \"0s\"", "limits.idle: expected at least"},
        {"[accounts]\nfailure_delay = \"1h\"", "expected at most \"1m\""},
        {"domains = \"a.example\"", "1: domains: expected a list of texts"},
        {"domains = [\"a.example\", 5]", "1: domains: expected a list of texts"},
        {"domains = [\"a b\"]", "\"a b\" is not a domain"},
        {"hostname = \"-a\"", "1: hostname: expected a host name"},
        {"[listen]\naddress = [\"localhost\"]", "\"localhost\" is not an IP address"},
        {"[listen]\naddress = []", "expected at least one address"},
        {"[listen]\nport_base = 65000", "expected a number from 0 to 61345"},
        {"[dns]\nservers = [\"ns.example\"]", "not the address of a server"},
        {"[relay]\nsmarthost = \"[a\"", "the \"[\" has no \"]\""},
        {"[relay]\nsmarthost = \"a:0\"", "the port is a number from 1 to 65535"},
        {"[routes]\npeer.example = \"[192.0.2.1]:25\"", "2: routes.peer.example: write the"},
        {"[routes]\n\"peer example\" = \"[192.0.2.1]:25\"", "expected a domain"},
        {"[routes]\n\"a.example\" = 25", "expected a text in quotes"},
        {"[routes]\n\"a.example\" = \"b c\"", "expected \"[host]:port\""},
        {"[routes]\n\"192.0.2.1\" = \"b\"", "expected a domain"},
        {"[destinations]\n\"a.example\" = 5", "2: destinations.a.example: write the"},
        {"[destinations]\na.example = {rate = \"1/s\"}", "write the destination in quotes"},
        {"[destinations]\n\"a b\" = {rate = \"1/s\"}", "expected a domain"},
        {"[destinations]\n\"a.example\" = {rat = \"1/s\"}", "did you mean rate?"},
        {"[destinations]\n\"a.example\" = {speed = 1}", "known are: connections, messages, recip"},
        {"[destinations]\n\"a.example\" = {rate = 5}", "expected messages in a time"},
        {"[destinations]\n\"a.example\" = {connections = 0}", "from 1 to 300"},
        {"[destinations]\n\"a.example\" = {recipients = 101}", "from 1 to 100"},
    };
    for (const Case& test : kCases) {
        const std::string errors = errors_of(test.text);
        BOOST_TEST(errors.find(test.expected) != std::string::npos,
                   test.text << " gave " << errors);
        BOOST_TEST(std::count(errors.begin(), errors.end(), '\n') == 1, errors);
    }
}

BOOST_AUTO_TEST_CASE(all_errors_are_reported_in_the_order_of_lines) {
    BOOST_TEST(errors_of("[limits]\nidle = 5\n[queue]\nretry_frist = \"1m\"\npaused = 1\n") ==
               "veredus.toml:2: limits.idle: expected a duration in quotes with its unit (s, m, h, "
               "d), e.g. \"5m\"\n"
               "veredus.toml:4: queue.retry_frist: unknown setting; did you mean retry_first?\n"
               "veredus.toml:5: queue.paused: expected true or false\n");
}

BOOST_AUTO_TEST_CASE(a_later_file_wins_and_says_so) {
    Origins origins;
    const auto config = Config::parse(
        std::vector<Source>{{"a.toml",
                             "hostname = \"a.example\"\n[limits]\nrecipients = 200\n[routes]\n"
                             "\"x.example\" = \"[192.0.2.1]\"\n\"*\" = \"b.example\"\n"},
                            {"b.toml",
                             "[limits]\nrecipients = 300\n[routes]\n\"x.example\" = "
                             "\"ann:secret@[192.0.2.2]\"\n"}},
        &origins);
    BOOST_REQUIRE(config.has_value());
    BOOST_TEST(config->limits.recipients == 300u);
    BOOST_REQUIRE(config->routes.size() == 2u);
    BOOST_TEST(config->routes[0].next_hop.host == "192.0.2.2");
    const std::string shown = show(*config, origins);
    const auto has = [&](std::string_view line) { return shown.find(line) != std::string::npos; };
    BOOST_TEST(has("limits.recipients = 300                     # b.toml:2\n"));
    BOOST_TEST(has("hostname = \"a.example\"                      # a.toml:1\n"));
    BOOST_TEST(has("queue.retry_first = \"5m\"                    # default\n"));
    BOOST_TEST(has("routes.\"x.example\" = \"ann:***@[192.0.2.2]:25\"  # b.toml:4\n"));
    BOOST_TEST(!has("secret"));
}

BOOST_AUTO_TEST_CASE(an_error_names_its_file) {
    const auto config =
        Config::parse(std::vector<Source>{{"z.toml", "[limits]\nrecipients = 5\nidel = \"1m\"\n"},
                                          {"a.toml", "[limits]\nidle = \"0s\"\n"},
                                          {"b.toml", "a = = 1\n"}});
    BOOST_REQUIRE(!config.has_value());
    std::vector<std::string> where;
    for (const ConfigError& error : config.error())
        where.push_back(error.text("veredus.toml").substr(0, 8));
    const std::vector<std::string> expected{"z.toml:2", "z.toml:3", "a.toml:2", "b.toml:1"};
    BOOST_TEST(where == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(drop_ins_are_read_in_the_order_of_their_names) {
    const fs::path place =
        fs::temp_directory_path() / ("veredus-config-" + std::to_string(getpid()));
    fs::create_directories(place / "veredus.d");
    const auto write_file = [&](const char* name, std::string_view text) {
        std::ofstream(place / name) << text;
    };
    write_file("veredus.toml", "[limits]\nrecipients = 200\n");
    write_file("veredus.d/20-b.toml", "[limits]\nrecipients = 400\n");
    write_file("veredus.d/10-a.toml", "[limits]\nrecipients = 300\nidle = \"9m\"\n");
    write_file("veredus.d/30-c.toml.disabled", "[limits]\nrecipients = 500\n");
    Origins origins;
    const auto config = Config::load(place / "veredus.toml", &origins);
    fs::remove_all(place);
    BOOST_REQUIRE(config.has_value());
    BOOST_TEST(config->limits.recipients == 400u);
    BOOST_TEST((config->limits.idle == 9min));
    BOOST_TEST(origins["limits.recipients"] == (place / "veredus.d/20-b.toml:2").string());
}

BOOST_AUTO_TEST_CASE(errors_of_syntax_have_their_line) {
    BOOST_TEST(errors_of("a = 1\nb = = 2\n").starts_with("veredus.toml:2: "));
    BOOST_TEST(
        errors_of("[queue]\npaused = true\npaused = false\n").starts_with("veredus.toml:3: "));
}

BOOST_AUTO_TEST_CASE(routes_keep_the_order_of_the_file_and_the_first_wins) {
    const auto config = Config::parse(R"([routes]
"z.example" = "[192.0.2.1]:25"
"*.Example" = "relay.example:26"
"a.example" = "[192.0.2.3]:25"
"*" = "[192.0.2.4]:25"
)");
    BOOST_REQUIRE(config.has_value());
    const auto port_of = [&](std::string_view domain) {
        return config->route_for(domain)->next_hop.host;
    };
    BOOST_TEST(port_of("Z.Example") == "192.0.2.1");
    BOOST_TEST(port_of("a.example") == "relay.example");
    BOOST_TEST(port_of("b.a.example") == "relay.example");
    BOOST_TEST(port_of("example") == "192.0.2.4");
    BOOST_TEST((Config{}.route_for("a.example") == nullptr));
}

BOOST_AUTO_TEST_CASE(each_limit_is_that_of_the_first_line_that_has_it) {
    const auto config = Config::parse(R"([destinations]
"B.example" = { rate = "60/m" }
"*.example" = { connections = 5, rate = "1/s" }
"192.0.2.1" = { messages = 7 }
[destinations."*"]
connections = 9
recipients = 50
)");
    BOOST_REQUIRE(config.has_value());
    const auto text_for = [&](std::string_view next_hop) {
        return limits_text(config->limits_for(next_hop));
    };
    BOOST_TEST(text_for("b.example") == "{ connections = 5, recipients = 50, rate = \"60/m\" }");
    BOOST_TEST(text_for("ann:pw@[mx.b.example]:587") ==
               "{ connections = 5, recipients = 50, rate = \"1/s\" }");
    BOOST_TEST(text_for("[192.0.2.1]:2525") ==
               "{ connections = 9, messages = 7, recipients = 50 }");
    BOOST_TEST(text_for("no_host.test") == "{ connections = 9, recipients = 50 }");
    BOOST_TEST((Config{}.limits_for("b.example") == DestinationLimits{}));
}

BOOST_AUTO_TEST_CASE(rates) {
    for (const char* text : {"60/m", "5/s", "1/10s", "100/h", "7/1d12h", "1/ms"})
        BOOST_TEST(Rate::parse(text).value().text() == text);
    BOOST_TEST(Rate::parse("60/1m")->text() == "60/m");
    BOOST_TEST((Rate::parse("60/m")->pace() == 1s));
    for (const char* bad : {"", "60", "60/", "/m", "0/m", "-1/m", "60 / m", "60/m ", "60/0s",
                            "1.5/s", "99999999999/s", "60/x"})
        BOOST_TEST(!Rate::parse(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(next_hops) {
    const auto plain = NextHop::parse("mx.example.org");
    BOOST_TEST((plain == NextHop{.host = "mx.example.org", .port = 25, .look_up_mx = true}));
    const auto fixed = NextHop::parse("[mx.example.org]:587");
    BOOST_TEST((fixed == NextHop{.host = "mx.example.org", .port = 587, .look_up_mx = false}));
    const auto address = NextHop::parse("192.0.2.1:2525");
    BOOST_TEST((address == NextHop{.host = "192.0.2.1", .port = 2525, .look_up_mx = false}));
    const auto six = NextHop::parse("[2001:db8::1]");
    BOOST_TEST((six == NextHop{.host = "2001:db8::1", .port = 25, .look_up_mx = false}));
    const auto login = NextHop::parse("ann@a.example:p@ss:word@[smtp.example.org]:587");
    BOOST_REQUIRE(login.has_value());
    BOOST_TEST(NextHop::parse(login->text())->text() == login->text());
    BOOST_TEST(NextHop::shown(login->text()) == "[smtp.example.org]:587");
    BOOST_TEST(NextHop::shown(address->text()) == "[192.0.2.1]:2525");
    for (const char* bad : {"", "[]", ":25", "a b", "[a]25", "[a]:", "a:99999", "user@[a]:25",
                            ":secret@[a]:25", "2001:db8::1"})
        BOOST_TEST(!NextHop::parse(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(credentials_are_split_at_the_first_colon_and_the_last_at) {
    const auto hop = NextHop::parse("ann@a.example:p@ss:word@[smtp.example.org]:587");
    BOOST_REQUIRE(hop.has_value());
    BOOST_TEST(hop->user == "ann@a.example");
    BOOST_TEST(hop->password == "p@ss:word");
    BOOST_TEST(hop->host == "smtp.example.org");
    BOOST_TEST(hop->port == 587);
}

BOOST_AUTO_TEST_CASE(durations) {
    BOOST_TEST((parse_duration("1h30m") == std::optional<Duration>(90min)));
    BOOST_TEST((parse_duration("250ms") == std::optional<Duration>(250ms)));
    BOOST_TEST((parse_duration("0s") == std::optional<Duration>(0s)));
    for (const char* bad : {"", "5", "m", "5x", "5m ", " 5m", "-5m", "5.5h",
                            "99999999999999999999d", "106751991168d", "9223372036854775807ms1ms"})
        BOOST_TEST(!parse_duration(bad).has_value(), bad);
    for (const char* text : {"0s", "5m", "4h", "5d", "1h30m", "1d1h1m1s1ms"})
        BOOST_TEST(duration_text(*parse_duration(text)) == text);
}

BOOST_AUTO_TEST_CASE(sizes) {
    BOOST_TEST(parse_size("50MiB").value() == 50u << 20);
    BOOST_TEST(parse_size("10MB").value() == 10'000'000u);
    BOOST_TEST(parse_size("512").value() == 512u);
    for (const char* bad : {"", "MiB", "5mb", "5MiB2", "-1", "9000000TiB", "99999999999999999999"})
        BOOST_TEST(!parse_size(bad).has_value(), bad);
    for (const char* text : {"50MiB", "1GiB", "513B", "64KiB", "10MB", "0B"})
        BOOST_TEST(size_text(*parse_size(text)) == text);
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_back_the_same) {
    Config config;
    config.hostname = "mx.a.example";
    config.domains = {"a.example", "b.example"};
    config.listen.address = {"0.0.0.0"};
    config.listen.port_base = 20000;
    config.relay.smarthost = NextHop::parse("u\"\\:p@[smtp.example]:587").value();
    config.routes = {{"z.example", NextHop::parse("[192.0.2.1]:25").value()},
                     {"*", NextHop::parse("a.example:26").value()}};
    config.destinations = {{"z.example", {.connections = 3, .rate = Rate::parse("1/10s").value()}},
                           {"*", {.messages = 100, .recipients = 20}}};
    config.queue.paused = true;
    config.limits.message_size = 123456;
    config.accounts.failure_delay = 20ms;
    const auto again = Config::parse(write(config));
    BOOST_REQUIRE(again.has_value());
    BOOST_TEST((*again == config));
}

BOOST_AUTO_TEST_CASE(the_example_file_is_the_defaults) {
    const std::string example =
        file_text(fs::path(std::getenv("SOURCE_ROOT")) / "etc/veredus.toml");
    BOOST_TEST(example == write(Config{}));
    BOOST_TEST((Config::parse(example) == Config{}));
    // Taking away the comment signs before settings gives the same values, explicitly.
    std::string explicit_text;
    std::istringstream lines(example);
    for (std::string line; std::getline(lines, line);) {
        const auto equals = line.find(" = ");
        const bool is_setting = line.starts_with("# ") && equals != std::string::npos &&
                                line.find(' ', 2) == equals && line[2] != '"';
        explicit_text += (is_setting ? line.substr(2) : line) + "\n";
    }
    BOOST_TEST(explicit_text != example);
    BOOST_TEST((Config::parse(explicit_text) == Config{}));
}

BOOST_AUTO_TEST_CASE(passwords_are_not_shown) {
    Config config;
    config.relay.smarthost = NextHop::parse("ann:secret@[smtp.example]:587").value();
    config.routes = {{"*", NextHop::parse("ann:secret@[smtp.example]:587").value()}};
    const std::string text = show(config, {});
    BOOST_TEST(text.find("secret") == std::string::npos);
    BOOST_TEST(text.find("relay.smarthost = \"ann:***@[smtp.example]:587\"") != std::string::npos);
    BOOST_TEST(text.find("queue.retry_first = \"5m\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_setting_has_help_and_stands_once) {
    std::vector<std::string_view> keys;
    for (const Setting& setting : settings()) {
        BOOST_TEST(setting.help.ends_with(".\n"), setting.key);
        BOOST_TEST(std::count(keys.begin(), keys.end(), setting.key) == 0, setting.key);
        keys.push_back(setting.key);
    }
}

BOOST_AUTO_TEST_CASE(an_instance_is_a_directory_or_the_host) {
    const InstancePaths demo = InstancePaths::of_directory("/srv/demo/");
    BOOST_TEST(demo.directory() == fs::path("/srv/demo"));
    BOOST_TEST(demo.config_file() == fs::path("/srv/demo/veredus.toml"));
    BOOST_TEST(demo.accounts_db() == fs::path("/srv/demo/accounts.db"));
    BOOST_TEST(demo.resolve("tls/cert.pem") == fs::path("/srv/demo/tls/cert.pem"));
    BOOST_TEST(demo.resolve("/etc/ssl/x.pem") == fs::path("/etc/ssl/x.pem"));
    const InstancePaths host = InstancePaths::of_host();
    BOOST_TEST(host.directory().empty());
    BOOST_TEST(host.resolve("tls/cert.pem") == fs::path("/etc/veredus/tls/cert.pem"));
    BOOST_TEST(host.submission_socket() == fs::path("/run/veredus/submission"));

    setenv(InstancePaths::kInstanceVariable, "/srv/demo", 1);
    setenv(InstancePaths::kConfigVariable, "/srv/demo/run/config/veredus.toml", 1);
    const InstancePaths told = InstancePaths::from_environment();
    BOOST_TEST(told.config_file() == demo.active_config_file());
    BOOST_TEST(told.tls() == demo.tls());
    BOOST_TEST(told.resolve("tls/cert.pem") == demo.resolve("tls/cert.pem"));
    unsetenv(InstancePaths::kInstanceVariable);
    unsetenv(InstancePaths::kConfigVariable);
    BOOST_TEST(InstancePaths::from_environment().run() == fs::path("/run/veredus"));
}
