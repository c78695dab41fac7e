#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemons/submitd/completion.h"
#include "daemons/submitd/local_users.h"
#include "daemons/submitd/queue_listing.h"

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

BOOST_AUTO_TEST_CASE(a_message_of_the_queue_is_a_line_of_json) {
    ipc::admin::Row row;
    row.id = mail::QueueId::make(1'700'000'000'000'000, 7);
    row.state = "queued";
    row.size = 1234;
    row.arrived_us = 1'700'000'000'000'000;
    row.message_id = "<1@b.example>";
    row.recipients = {
        {.address = "done@b.example", .state = "delivered", .attempts = 9},
        {.address = "a@b.example",
         .state = "deferred",
         .attempts = 2,
         .next_attempt_us = 1'700'000'300'000'000,
         .last_reply = "450 4.2.0 \"later\"\n\xff"},
        {.address = "c@d.example", .state = "ready", .next_attempt_us = 1'700'000'100'000'000},
    };
    const std::string line = queue_line(row);
    BOOST_TEST(!line.contains('\n'));
    const auto json = nlohmann::json::parse(line);
    BOOST_TEST(json["queue_name"] == "deferred");
    BOOST_TEST(json["queue_id"] == row.id.text());
    BOOST_TEST(json["arrival_time"] == 1'700'000'000);
    BOOST_TEST(json["message_size"] == 1234);
    BOOST_TEST(json["forced_expire"] == false);
    BOOST_TEST(json["sender"] == "MAILER-DAEMON");
    BOOST_REQUIRE(json["recipients"].size() == 2U);
    BOOST_TEST(json["recipients"][0]["address"] == "a@b.example");
    BOOST_TEST(json["recipients"][0]["delay_reason"] == "450 4.2.0 \"later\"\n\xef\xbf\xbd");
    BOOST_TEST(!json["recipients"][1].contains("delay_reason"));
    BOOST_TEST(json["attempts"] == 2);
    BOOST_TEST(json["next_attempt"] == 1'700'000'100);
}

BOOST_AUTO_TEST_CASE(queue_names_are_those_that_others_know) {
    const auto name = [](std::string state, std::uint32_t attempts) {
        ipc::admin::Row row;
        row.state = std::move(state);
        row.recipients = {{.address = "a@b.example", .state = "ready", .attempts = attempts}};
        return nlohmann::json::parse(queue_line(row))["queue_name"].get<std::string>();
    };
    BOOST_TEST(name("queued", 0) == "incoming");
    BOOST_TEST(name("queued", 1) == "deferred");
    BOOST_TEST(name("active", 1) == "active");
    BOOST_TEST(name("hold", 0) == "hold");
    BOOST_TEST(name("damaged", 0) == "hold");
}

BOOST_AUTO_TEST_CASE(users_are_found_by_uid) {
    const LocalUsers users({{1000, {"bob", "Bob B."}}});
    BOOST_REQUIRE(users.find(1000) != nullptr);
    BOOST_TEST(users.find(1000)->name == "bob");
    BOOST_TEST(users.find(1001) == nullptr);
    const LocalUser* root = LocalUsers::of_host().find(0);
    BOOST_REQUIRE(root != nullptr);
    BOOST_TEST(root->name == "root");
}

BOOST_AUTO_TEST_SUITE_END()
