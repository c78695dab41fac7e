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
struct FirstIsDown : TwoHosts {
    FirstIsDown() { hosts.erase("192.0.2.1:25"); }
    // By one message, over connections of its own.
    Strings now_connects() {
        deliver("b.example", {"a@b.example"});
        advance(relayd::Pool::kLinger + 1s);
        return std::exchange(connects, {});
    }
};

constexpr async::Time kThen{1h};

struct Order {
    Reach reach;
    const relayd::Target mx1{"mx1", *net::Address::parse("192.0.2.1", 25), "", ""};
    const relayd::Target mx2{"mx2", *net::Address::parse("192.0.2.2", 25), "", ""};

    const relayd::Verdict why = relayd::deferred("4.4.1", "nobody there");

    std::string first(async::Duration later) {
        std::vector targets{mx1, mx2};
        reach.put_in_order(targets, kThen + later);
        return targets.front().host;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reach, FirstIsDown)

BOOST_AUTO_TEST_CASE(one_that_is_down_is_tried_last_until_it_may_be_back) {
    const Strings both = {"192.0.2.1:25", "192.0.2.2:25"};
    const Strings behind = {"192.0.2.2:25"};
    BOOST_TEST(now_connects() == both);
    BOOST_TEST((limits[0] < limits[1]));  // the last is waited for longest
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

// A provider that is down holds up its many domains' messages once, not each of them.
BOOST_AUTO_TEST_CASE(a_host_that_does_not_answer_is_not_tried_for_other_domains) {
    for (const char* name : {"c.example", "d.example", "e.example", "f.example"}) {
        resolver.add_mx(name, 10, "mx.b.example");
        deliver(name, {"a@any.example"});
    }
    BOOST_TEST(connects.size() == Reach::kFailures);
    BOOST_TEST(verdicts().ends_with(
        "1: deferred 4.4.1 not tried, for others got no answer a moment ago: connect to "
        "mx.b.example[192.0.2.1]:25: Connection refused\n"));
    advance(Reach::kRest);
    deliver("f.example", {"a@any.example"});
    BOOST_TEST(connects.size() == Reach::kFailures + 1);
}

// They say no, which tells nothing of what they say next.
BOOST_AUTO_TEST_CASE(a_host_that_refuses_is_asked_for_each_message) {
    second.greeting = "421 busy";
    resolver.add_mx("c.example", 10, "mx2.b.example");
    for (int i = 0; i < 5; ++i)
        deliver("c.example", {"a@any.example"});
    BOOST_TEST(connects.size() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(reach_order, Order)

BOOST_AUTO_TEST_CASE(one_that_failed_goes_behind_until_its_rest_is_over) {
    reach.failed(mx1.address, Reach::Failure::kRefused, why, kThen);
    BOOST_TEST(first(Reach::kRest - 1s) == "mx2");
    BOOST_TEST(first(Reach::kRest) == "mx1");
    reach.reached(mx1.address);
    BOOST_TEST(first(0s) == "mx1");
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_three_times_is_not_tried_and_then_one_message_finds_out) {
    const auto refused = [&](async::Duration later) {
        const auto refusal = reach.refusal(mx1.address, kThen + later);
        return refusal ? refusal->status + ' ' + refusal->reply : "";
    };
    for (unsigned failures = 0; failures < Reach::kFailures; ++failures) {
        BOOST_TEST(refused(0s) == "");
        reach.failed(mx1.address, Reach::Failure::kNobody, why, kThen);
    }
    BOOST_TEST(refused(Reach::kRest - 1s) ==
               "4.4.1 not tried, for others got no answer a moment ago: nobody there");
    BOOST_TEST(refused(Reach::kRest) == "");
    BOOST_TEST(refused(Reach::kRest) != "");
    BOOST_TEST(first(Reach::kRest) == "mx2");
    reach.reached(mx1.address);
    BOOST_TEST(refused(Reach::kRest) == "");
}

BOOST_AUTO_TEST_CASE(no_rest_is_longer_than_a_message_s_own_pause) {
    reach.set_retry(10s);
    reach.failed(mx1.address, Reach::Failure::kNobody, why, kThen);
    BOOST_TEST(first(7s) == "mx2");
    BOOST_TEST(first(8s) == "mx1");
    reach.set_retry(1h);
    reach.failed(mx1.address, Reach::Failure::kNobody, why, kThen);
    BOOST_TEST(first(Reach::kRest - 1s) == "mx2");
    BOOST_TEST(first(Reach::kRest) == "mx1");
}

BOOST_AUTO_TEST_CASE(who_says_no_is_there) {
    for (int i = 0; i < 10; ++i)
        reach.failed(mx1.address, Reach::Failure::kRefused, why, kThen);
    BOOST_TEST(!reach.refusal(mx1.address, kThen).has_value());
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_connection_is_not_joined_for_long) {
    {
        const Reach::Attempt attempt(reach, mx1.address, kThen);
        const Reach::Attempt another(reach, mx1.address, kThen + 2s);
        BOOST_TEST(first(Reach::kDoubt - 1ms) == "mx1");
        BOOST_TEST(first(Reach::kDoubt) == "mx2");
        const Reach::Attempt elsewhere(reach, mx2.address, kThen);
        BOOST_TEST(first(Reach::kDoubt) == "mx1");  // both: as they are
    }
    BOOST_TEST(first(Reach::kDoubt) == "mx1");
}

BOOST_AUTO_TEST_SUITE_END()
