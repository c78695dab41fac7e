// Hosts that cannot be reached, remembered (RFC 5321 section 4.5.4.1).
#include "daemons/relayd/reach.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/daemons/relayd/world.h"

using namespace veredus;
using namespace veredus::relayd_test;
using namespace std::chrono_literals;
using relayd::Reach;

namespace {

using Strings = std::vector<std::string>;

// b.example's first host is down.
struct FirstIsDown : World {
    FakeHost& second = hosts["192.0.2.2:25"];

    FirstIsDown() {
        resolver.add_mx("b.example", 10, "mx.b.example");
        resolver.add_a("mx.b.example", "192.0.2.1");
        resolver.add_mx("b.example", 20, "mx2.b.example");
        resolver.add_a("mx2.b.example", "192.0.2.2");
    }
    // By one message, over connections of its own.
    Strings now_connects() {
        deliver("b.example", {"a@b.example"});
        advance(relayd::Pool::kLinger + 1s);
        return std::exchange(connects, {});
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reach, FirstIsDown)

BOOST_AUTO_TEST_CASE(one_that_is_down_is_tried_last_until_it_may_be_back) {
    const Strings both = {"192.0.2.1:25", "192.0.2.2:25"};
    const Strings behind = {"192.0.2.2:25"};
    BOOST_TEST(now_connects() == both);
    BOOST_TEST(now_connects() == behind);
    // Nobody is left without a try for that.
    second.greeting = "421 busy";
    BOOST_TEST(now_connects() == (Strings{"192.0.2.2:25", "192.0.2.1:25"}));
    second.greeting = "220 hi";
    advance(Reach::kRest);
    BOOST_TEST(now_connects() == both);
    BOOST_TEST(now_connects() == behind);
    advance(Reach::kRest);
    hosts["192.0.2.1:25"];
    BOOST_TEST(now_connects() == Strings{"192.0.2.1:25"});
    BOOST_TEST(now_connects() == Strings{"192.0.2.1:25"});
}

BOOST_AUTO_TEST_CASE(while_one_message_finds_out_others_go_on) {
    Reach remembered;
    const auto addresses = [](const std::vector<relayd::Target>& targets) {
        Strings out;
        for (const auto& target : targets)
            out.push_back(target.address.ip);
        return out;
    };
    const std::vector<relayd::Target> as_found{
        {"mx1", *net::Address::parse("192.0.2.1", 25), "", ""},
        {"mx2", *net::Address::parse("192.0.2.2", 25), "", ""}};
    const async::Time then{1h};
    remembered.failed(as_found[0].address, then);
    const auto order = [&](async::Duration later) {
        auto targets = as_found;
        remembered.put_in_order(targets, then + later);
        return addresses(targets).front();
    };
    BOOST_TEST(order(Reach::kRest - 1s) == "192.0.2.2");
    BOOST_TEST(order(Reach::kRest) == "192.0.2.1");
    BOOST_TEST(order(Reach::kRest) == "192.0.2.2");
}

BOOST_AUTO_TEST_SUITE_END()
