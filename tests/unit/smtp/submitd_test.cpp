#include <boost/test/unit_test.hpp>

#include "daemons/submitd/completion.h"
#include "daemons/submitd/local_users.h"

using namespace veredus;
using namespace veredus::submitd;

namespace {

Completion completion() {
    return {.date = {.unix_seconds = 1'000'000'000, .offset_minutes = 120},
            .message_id = "q.1@mx.example.org",
            .from = "Root <root@example.org>"};
}

std::string missing(std::string_view header) {
    return missing_fields(mail::Header::scan(header), completion());
}

std::optional<std::vector<std::string>> from(std::string_view header) {
    return from_addresses(mail::Header::scan(header));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(submitd)

BOOST_AUTO_TEST_CASE(what_is_missing_is_put_in) {
    BOOST_TEST(missing("Subject: x\r\n\r\n") ==
               "Message-ID: <q.1@mx.example.org>\r\n"
               "Date: Sun, 9 Sep 2001 03:46:40 +0200\r\n"
               "From: Root <root@example.org>\r\n");
    BOOST_TEST(missing("from: a@b.example\r\nDATE: x\r\n\r\n") ==
               "Message-ID: <q.1@mx.example.org>\r\n");
    BOOST_TEST(missing("From: a@b.example\r\nDate: x\r\nmessage-id: <1@b.example>\r\n\r\n") == "");
}

BOOST_AUTO_TEST_CASE(a_field_in_the_body_counts_for_nothing) {
    BOOST_TEST(missing("Subject: x\r\n\r\nDate: x\r\n").contains("Date: Sun,"));
}

BOOST_AUTO_TEST_CASE(a_user_gets_no_from) {
    Completion user = completion();
    user.from.reset();
    BOOST_TEST(!missing_fields(mail::Header::scan("Date: x\r\n\r\n"), user).contains("From"));
}

BOOST_AUTO_TEST_CASE(every_from_address_is_seen) {
    using List = std::vector<std::string>;
    const auto same = [](std::string_view header, const List& expected) {
        const auto got = from(header);
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST(*got == expected, boost::test_tools::per_element());
    };
    same("Subject: x\r\n\r\n", {});
    same("From: Bob <bob@example.org>\r\n\r\n", {"bob@example.org"});
    same("From: a@b.example, Eve <eve@b.example>\r\n\r\n", {"a@b.example", "eve@b.example"});
    same("From: a@b.example\r\nFrom: eve@b.example\r\n\r\n", {"a@b.example", "eve@b.example"});
    same("From: \"bob@example.org\" <eve@b.example>\r\n\r\n", {"eve@b.example"});
    same("From: x\r\n <folded@b.example>\r\n\r\n", {"folded@b.example"});
    same("From: team: a@b.example, c@d.example;\r\n\r\n", {"a@b.example", "c@d.example"});
}

BOOST_AUTO_TEST_CASE(a_from_that_names_nobody_is_told_apart) {
    for (const auto* header : {"From:\r\n\r\n", "From: bob\r\n\r\n", "From: <>\r\n\r\n",
                               "From: a@b.example\r\nFrom: bob\r\n\r\n"})
        BOOST_TEST(!from(header).has_value(), header);
}

BOOST_AUTO_TEST_CASE(users_are_found_by_uid) {
    const LocalUsers users({{1000, {"bob", "Bob B."}}});
    BOOST_REQUIRE(users.find(1000) != nullptr);
    BOOST_TEST(users.find(1000)->name == "bob");
    BOOST_TEST(users.find(1001) == nullptr);
    const LocalUsers here = LocalUsers::of_host();
    const LocalUser* root = here.find(0);
    BOOST_REQUIRE(root != nullptr);
    BOOST_TEST(root->name == "root");
}

BOOST_AUTO_TEST_SUITE_END()
