#include "daemons/queued/last_errors.h"

#include <boost/test/unit_test.hpp>

using namespace veredus;
using queued::LastErrors;
using Names = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(last_errors)

BOOST_AUTO_TEST_CASE(the_latest_come_first_until_something_gets_through) {
    LastErrors errors;
    errors.failed("a.example", "421 busy", 10);
    errors.failed("b.example", "450 later", 20);
    BOOST_TEST(errors.since(0) == Names({"b.example", "a.example"}));
    BOOST_TEST(errors.since(11) == Names({"b.example"}));
    errors.failed("a.example", "451 still", 30);
    BOOST_TEST(errors.since(0) == Names({"a.example", "b.example"}));
    BOOST_TEST(errors.at("a.example") == "451 still");
    errors.got_through("a.example");
    BOOST_TEST(errors.at("a.example").empty());
    BOOST_TEST(errors.since(0) == Names({"b.example"}));
}

BOOST_AUTO_TEST_CASE(beyond_the_most_the_oldest_goes) {
    LastErrors errors;
    errors.failed("z.example", "the oldest", 1);
    for (std::size_t i = 1; i < LastErrors::kMost; ++i)
        errors.failed("a" + std::to_string(i), "450", 2);
    errors.failed("a1", "known already", 3);
    BOOST_TEST(errors.at("z.example") == "the oldest");
    errors.failed("one more", "450", 4);
    BOOST_TEST(errors.at("z.example").empty());
    BOOST_TEST(errors.since(0).size() == LastErrors::kMost);
}

BOOST_AUTO_TEST_SUITE_END()
