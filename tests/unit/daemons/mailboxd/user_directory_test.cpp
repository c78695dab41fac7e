#define BOOST_TEST_MODULE mailboxd
#include "daemons/mailboxd/user_directory.h"

#include <boost/test/unit_test.hpp>

using veredus::mailboxd::user_directory;
namespace tt = boost::test_tools;
using Path = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(an_address_is_two_plain_names) {
    BOOST_TEST(user_directory("alice@a.example") == (Path{"a.example", "alice"}),
               tt::per_element());
    BOOST_TEST(user_directory("a.b+c_d-e=f@a.example") == (Path{"a.example", "a.b+c_d-e=f"}),
               tt::per_element());
    BOOST_TEST(user_directory("\"a@b\"@a.example") == (Path{"a.example", "%22a%40b%22"}),
               tt::per_element());
}

BOOST_AUTO_TEST_CASE(no_address_leads_elsewhere) {
    BOOST_TEST(user_directory("..@..") == (Path{"%2E.", "%2E."}), tt::per_element());
    BOOST_TEST(user_directory("../../etc@a.example") == (Path{"a.example", "%2E.%2F..%2Fetc"}),
               tt::per_element());
    BOOST_TEST(user_directory(std::string("a\0b@a.example", 13)) == (Path{"a.example", "a%00b"}),
               tt::per_element());
    BOOST_TEST(user_directory("%2E@a.example") == (Path{"a.example", "%252E"}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_no_address_has_no_place) {
    for (const auto* text : {"", "alice", "@", "alice@", "@a.example"})
        BOOST_TEST(user_directory(text).empty(), text);
    BOOST_TEST(user_directory(std::string(256, 'a') + "@a.example").empty());
    BOOST_TEST(user_directory(std::string(100, '\xC3') + "@a.example").empty());
}
