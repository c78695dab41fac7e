#define BOOST_TEST_MODULE accountd
#include "daemons/accountd/guesses.h"

#include <sodium.h>

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "common/async/loop.h"

using namespace veredus;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    async::FakeClock clock;
    async::Loop loop{clock};
    accountd::Guesses guesses{clock, {1, 2, 3}};

    std::chrono::seconds wrong(std::string_view password, std::string_view client = "192.0.2.1",
                               std::string_view user = "alice@a.example") {
        return std::chrono::duration_cast<std::chrono::seconds>(
            guesses.wrong(client, user, password, 2s));
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(guessing, Fixture)

BOOST_AUTO_TEST_CASE(each_different_password_doubles_the_pause_up_to_a_limit) {
    BOOST_TEST(wrong("a").count() == 2);
    BOOST_TEST(wrong("b").count() == 4);
    BOOST_TEST(wrong("c").count() == 8);
    BOOST_TEST(wrong("d").count() == 16);
    BOOST_TEST(wrong("e").count() == 30);
    for (int i = 0; i < 100; ++i)
        wrong(std::to_string(i));
    BOOST_TEST(wrong("f").count() == 30);
}

BOOST_AUTO_TEST_CASE(a_phone_with_the_old_password_stays_where_it_is) {
    for (int i = 0; i < 50; ++i)
        BOOST_TEST(wrong("old").count() == 2);
    BOOST_TEST(wrong("new one, mistyped").count() == 4);
    BOOST_TEST(wrong("old").count() == 4);
}

BOOST_AUTO_TEST_CASE(others_are_not_slowed) {
    wrong("a");
    wrong("b");
    BOOST_TEST(wrong("a", "192.0.2.2").count() == 2);
    BOOST_TEST(wrong("a", "192.0.2.1", "bob@a.example").count() == 2);
}

BOOST_AUTO_TEST_CASE(a_network_of_ipv6_is_one_place) {
    BOOST_TEST(wrong("a", "2001:db8::1").count() == 2);
    BOOST_TEST(wrong("b", "2001:db8:0:0:ffff::2").count() == 4);
    BOOST_TEST(wrong("c", "2001:db8:0:1::1").count() == 2);
}

BOOST_AUTO_TEST_CASE(the_right_password_and_an_hour_of_quiet_forgive) {
    wrong("a");
    wrong("b");
    guesses.right("192.0.2.1", "alice@a.example");
    BOOST_TEST(wrong("c").count() == 2);
    BOOST_TEST(wrong("d").count() == 4);
    clock.advance(loop, 61min);
    BOOST_TEST(wrong("e").count() == 2);
}

BOOST_AUTO_TEST_CASE(memory_is_bounded) {
    for (int i = 0; i < 150'000; ++i)
        wrong("a", "192.0.2.1", std::to_string(i));
    BOOST_TEST(guesses.remembered() <= 100'000U);
}

BOOST_AUTO_TEST_SUITE_END()
