#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/unit/daemons/relayd/world.h"

using namespace veredus;
using namespace veredus::relayd_test;

namespace {

struct Routes : World {
    // "mx.b.example[192.0.2.1]:25 ..." or "5.1.2 why".
    std::string route(const std::string& next_hop) {
        std::string out;
        const auto find = [&]() -> Task<> {
            const auto found =
                co_await relayd::find_route(route_context(), with_known_login(next_hop), stop);
            if (!found) {
                const bool matches =
                    found.error().permanent() == found.error().status.starts_with('5');
                BOOST_TEST(matches);
                out = found.error().status + ' ' + found.error().reply;
                co_return;
            }
            for (const relayd::Target& target : *found)
                out += (out.empty() ? "" : " ") + target.remote();
        };
        scope->spawn(find);
        settle();
        return out;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(route, Routes)

BOOST_AUTO_TEST_CASE(by_preference_and_ipv6_first) {
    resolver.add_mx("b.example", 20, "two.b.example");
    resolver.add_mx("b.example", 10, "one.b.example");
    resolver.add_a("one.b.example", "192.0.2.1");
    resolver.add_a("one.b.example", "192.0.2.2");
    resolver.add_aaaa("one.b.example", "2001:db8::1");
    resolver.add_a("two.b.example", "192.0.2.3");
    BOOST_TEST(route("b.example") ==
               "one.b.example[2001:db8::1]:25 one.b.example[192.0.2.1]:25 "
               "one.b.example[192.0.2.2]:25 two.b.example[192.0.2.3]:25");
    BOOST_TEST(route("b.example:2525").ends_with("two.b.example[192.0.2.3]:2525"));
}

BOOST_AUTO_TEST_CASE(equals_at_random) {
    for (const char* host : {"one.b.example", "two.b.example", "three.b.example"}) {
        resolver.add_mx("b.example", 10, host);
        resolver.add_a(host, std::string(host).starts_with("one") ? "192.0.2.1" : "192.0.2.2");
    }
    std::set<std::string> firsts;
    for (int i = 0; i < 200; ++i) {
        const std::string found = route("b.example");
        firsts.insert(found.substr(0, found.find('.')));
    }
    BOOST_TEST(firsts.size() == 3U);
}

BOOST_AUTO_TEST_CASE(no_mx_is_the_domain_itself) {
    resolver.add_a("b.example", "192.0.2.1");
    BOOST_TEST(route("b.example") == "b.example[192.0.2.1]:25");
}

BOOST_AUTO_TEST_CASE(given_hosts_need_no_mx) {
    resolver.add_mx("smart.example", 10, "other.example");
    resolver.add_a("smart.example", "192.0.2.5");
    BOOST_TEST(route("[smart.example]:587") == "smart.example[192.0.2.5]:587");
    BOOST_TEST(route("user:secret@[smart.example]:587") == "smart.example[192.0.2.5]:587");
    const int asked = resolver.questions;
    BOOST_TEST(route("[127.0.0.1]:2525") == "127.0.0.1[127.0.0.1]:2525");
    BOOST_TEST(route("[IPv6:2001:db8::1]") == "2001:db8::1[2001:db8::1]:25");
    // Even where they are ourselves: somebody said so.
    BOOST_TEST(route("[192.0.2.99]:25") == "192.0.2.99[192.0.2.99]:25");
    BOOST_TEST(resolver.questions == asked);
}

// RFC 5321 section 5.1.
BOOST_AUTO_TEST_CASE(ourselves_and_what_is_no_better_are_left_out) {
    resolver.add_mx("b.example", 10, "one.b.example");
    resolver.add_mx("b.example", 20, "RELAY.example");
    resolver.add_mx("b.example", 20, "equal.b.example");
    resolver.add_mx("b.example", 30, "last.b.example");
    resolver.add_a("one.b.example", "192.0.2.1");
    resolver.add_a("equal.b.example", "192.0.2.2");
    resolver.add_a("last.b.example", "192.0.2.3");
    resolver.add_a("RELAY.example", "192.0.2.4");
    BOOST_TEST(route("b.example") == "one.b.example[192.0.2.1]:25");
    // By address, at the port where we listen.
    resolver.add_mx("c.example", 10, "alias.c.example");
    resolver.add_a("alias.c.example", "192.0.2.99");
    BOOST_TEST(route("c.example").starts_with("5.4.6 mail for c.example loops back"));
    BOOST_TEST(route("c.example:2525") == "alias.c.example[192.0.2.99]:2525");
    resolver.add_a("d.example", "192.0.2.99");
    BOOST_TEST(route("d.example") ==
               "5.4.6 mail for d.example loops back to this host: its mail server is "
               "d.example[192.0.2.99], which is this host, and d.example is not among its domains");
}

// What a domain elsewhere cannot mean: "MX 0 localhost." and the like.
BOOST_AUTO_TEST_CASE(this_host_under_any_of_its_names_is_no_way) {
    int count = 0;
    for (const char* ip : {"127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1",
                           "::ffff:192.0.2.99"}) {
        const std::string domain = "d" + std::to_string(++count) + ".example";
        resolver.add_mx(domain, 20, "mx." + domain);
        resolver.add_mx(domain, 30, "worse." + domain);
        resolver.add_a("worse." + domain, "192.0.2.7");
        if (std::string(ip).contains(':'))
            resolver.add_aaaa("mx." + domain, ip);
        else
            resolver.add_a("mx." + domain, ip);
        BOOST_TEST(route(domain).starts_with("5.4.6 mail for " + domain), ip);
        resolver.add_mx(domain, 10, "better." + domain);
        resolver.add_a("better." + domain, "192.0.2.5");
        BOOST_TEST(route(domain) == "better." + domain + "[192.0.2.5]:25", ip);
    }
    // Where we listen elsewhere, port 25 of this host is no foreign host's either.
    identity.smtp_port = 10025;
    resolver.add_a("here.example", "127.0.0.1");
    for (const char* hop : {"here.example", "here.example:10025"})
        BOOST_TEST(route(hop).starts_with("5.4.6 "), hop);
    BOOST_TEST(route("here.example:2525") == "here.example[127.0.0.1]:2525");
}

// RFC 7505 section 3: "." among others means nothing; alone it is a refusal.
BOOST_AUTO_TEST_CASE(a_null_mx_among_others_is_passed_over) {
    resolver.add_mx("b.example", 0, "");
    resolver.add_mx("b.example", 10, "mx.b.example");
    resolver.add_a("mx.b.example", "192.0.2.1");
    BOOST_TEST(route("b.example") == "mx.b.example[192.0.2.1]:25");
    resolver.add_mx("c.example", 0, "");
    resolver.add_mx("c.example", 10, "");
    BOOST_TEST(route("c.example").starts_with("5.4.4 "));
}

BOOST_AUTO_TEST_CASE(no_way) {
    BOOST_TEST(
        route("absent.example").starts_with("5.1.2 the domain absent.example does not exist"));
    resolver.add_mx("null.example", 0, "");
    resolver.add_a("null.example", "192.0.2.1");
    BOOST_TEST(route("null.example").starts_with("5.1.10 "));
    resolver.mx_records["broken.example"] = {.status = dns::Status::temporary,
                                             .reason = "SERVFAIL"};
    BOOST_TEST(route("broken.example").starts_with("4.4.3 "));
    BOOST_TEST(route("broken.example").ends_with("SERVFAIL"));
    resolver.mx_records["bogus.example"] = {.status = dns::Status::bogus, .reason = "bogus"};
    BOOST_TEST(route("bogus.example").starts_with("4.4.3 "));
    resolver.add_mx("lost.example", 10, "nowhere.example");
    BOOST_TEST(route("lost.example").starts_with("5.4.4 "));
    resolver.v4["slow.example"] = {.status = dns::Status::temporary, .reason = "no answer in time"};
    resolver.add_mx("lost.example", 20, "slow.example");
    BOOST_TEST(route("lost.example").starts_with("4.4.3 "));
    // One host that can be found is enough.
    resolver.add_mx("lost.example", 30, "there.example");
    resolver.add_a("there.example", "192.0.2.1");
    BOOST_TEST(route("lost.example") == "there.example[192.0.2.1]:25");
    for (const char* wrong : {"", "a b", "[", "b.example:0", "b\xC3\xBC.example"})
        BOOST_TEST(route(wrong).starts_with("5.1.2 "), wrong);
}

BOOST_AUTO_TEST_CASE(the_number_of_targets_is_bounded) {
    for (int i = 0; i < 30; ++i) {
        const std::string host = "h" + std::to_string(i) + ".b.example";
        resolver.add_mx("b.example", static_cast<std::uint16_t>(i), host);
        for (int j = 0; j < 5; ++j)
            resolver.add_a(host, "192.0.2." + std::to_string(j));
    }
    const std::string found = route("b.example");
    BOOST_TEST(std::ranges::count(found, '[') == long(relayd::kTargetsMax));
    BOOST_TEST(resolver.questions <= 1 + 2 * int(relayd::kHostsMax));
}

BOOST_AUTO_TEST_SUITE_END()
