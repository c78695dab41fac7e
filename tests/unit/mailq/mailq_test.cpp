#define BOOST_TEST_MODULE mailq
#include "common/mailq/mailq.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <regex>

using namespace veredus;
using namespace veredus::ipc::admin;

namespace {

struct Fixture {
    Fixture() {
        setenv("TZ", "UTC", 1);
        tzset();
        row.id = mail::QueueId::make(1'793'700'000'000'000, 7);
        row.state = "queued";
        row.size = 1234;
        row.arrived_us = 1'793'700'000'000'000;
        row.expires_us = row.arrived_us + 1'000'000;
        row.sender = "ann@a.example";
        row.message_id = "<1@a.example>";
        row.recipients = {
            {.address = "done@b.example", .state = "relayed", .finished = true, .attempts = 1},
            {.address = "bob@b.example",
             .state = "deferred",
             .attempts = 2,
             .next_attempt_us = 1'793'700'300'000'000,
             .last_reply = "450 4.2.0 later",
             .last_remote = "mx.b.example[192.0.2.2]:25"},
            {.address = "cyd@b.example",
             .state = "deferred",
             .attempts = 2,
             .last_reply = "450 4.2.0 later",
             .last_remote = "mx.b.example[192.0.2.2]:25"}};
    }
    Row row;
};

std::string line_of(mailq::Table& table, const Row& row) {
    std::string text;
    table.row(mailq::message_of(row), text);
    return text;
}

const std::string kIndent(42, ' ');

}  // namespace

BOOST_FIXTURE_TEST_SUITE(suite, Fixture)

BOOST_AUTO_TEST_CASE(an_empty_queue_says_so) {
    BOOST_TEST(mailq::Table().end() == "Mail queue is empty\n");
}

BOOST_AUTO_TEST_CASE(the_table_has_postfix_s_shape) {
    mailq::Table table;
    const std::string reason = "(host mx.b.example[192.0.2.2]:25 said: 450 4.2.0 later)\n";
    BOOST_TEST(line_of(table, row) ==
               "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n" +
                   row.id.text() + "   1234 Tue Nov  3 10:00:00  ann@a.example\n" +
                   std::string(76 - (reason.size() - 3), ' ') + reason + kIndent +
                   "bob@b.example\n" + kIndent + "cyd@b.example\n");
    row.state = "hold";
    row.sender = "";
    row.recipients = {{.address = "bob@b.example", .state = "held"}};
    BOOST_TEST(line_of(table, row) == "\n" + row.id.text() +
                                          "!  1234 Tue Nov  3 10:00:00  MAILER-DAEMON\n" + kIndent +
                                          "bob@b.example\n");
    row.state = "active";
    row.size = 10'000'000;
    BOOST_TEST(line_of(table, row).starts_with("\n" + row.id.text() + "* 10000000 Tue Nov"));
    BOOST_TEST(table.end() == "\n-- 9769 Kbytes in 3 Requests.\n");
}

// A host that nobody reached has said nothing.
BOOST_AUTO_TEST_CASE(words_of_our_own_are_not_put_into_a_host_s_mouth) {
    auto& bob = row.recipients[1];
    bob.last_reply = "connect to mx.b.example[192.0.2.2]:25: Connection refused";
    BOOST_TEST(mailq::delay_reason(bob) == bob.last_reply);
    bob.last_remote = "";
    bob.last_reply = "4.3.2 is no code of a reply";
    BOOST_TEST(mailq::delay_reason(bob) == bob.last_reply);
    bob.last_reply = "";
    BOOST_TEST(mailq::delay_reason(bob).empty());
}

// What nagios' check_mailq takes from the last line, and what scripts take from the others.
BOOST_AUTO_TEST_CASE(scripts_find_what_they_look_for) {
    mailq::Table table;
    const std::string line = line_of(table, row);
    const std::string end = table.end();
    BOOST_TEST(std::regex_search(end, std::regex("Kbytes in (\\d+) Request\\.")));
    BOOST_TEST(std::regex_search(
        line, std::regex("\n([0-9A-Z]+)[*!]?\\s+(\\d+)\\s+\\w+ \\w+ +\\d+ [\\d:]+\\s+(\\S+)\n")));
}

BOOST_AUTO_TEST_CASE(a_line_of_json_has_postqueue_s_members) {
    const std::string line = mailq::to_json(mailq::message_of(row));
    BOOST_TEST(line.find('\n') == std::string::npos);
    const auto json = nlohmann::json::parse(line);
    BOOST_TEST(json["queue_name"] == "deferred");
    BOOST_TEST(json["queue_id"] == row.id.text());
    BOOST_TEST(json["arrival_time"] == 1793700000);
    BOOST_TEST(json["message_size"] == 1234);
    BOOST_TEST(json["forced_expire"] == false);
    BOOST_TEST(json["sender"] == "ann@a.example");
    BOOST_TEST(json["message_id"] == "<1@a.example>");
    BOOST_REQUIRE(json["recipients"].size() == 2u);
    BOOST_TEST(json["recipients"][0]["address"] == "bob@b.example");
    BOOST_TEST(json["recipients"][0]["delay_reason"] ==
               "host mx.b.example[192.0.2.2]:25 said: 450 4.2.0 later");
    BOOST_TEST(json["attempts"] == 2);
    BOOST_TEST(json["next_attempt"] == 1793700300);
    BOOST_TEST(json["last_reply"] == "450 4.2.0 later");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_still_make_json) {
    row.sender = "a\xff@a.example";
    row.recipients[1].last_reply = "450 \xe4 line\nbreak";
    const std::string line = mailq::to_json(mailq::message_of(row));
    BOOST_TEST(line.find('\n') == std::string::npos);
    BOOST_CHECK_NO_THROW(static_cast<void>(nlohmann::json::parse(line)));
}

BOOST_AUTO_TEST_CASE(the_queue_s_name_follows_the_state) {
    const auto name = [&] {
        return nlohmann::json::parse(mailq::to_json(mailq::message_of(row)))["queue_name"]
            .get<std::string>();
    };
    row.state = "active";
    BOOST_TEST(name() == "active");
    row.state = "damaged";
    BOOST_TEST(name() == "hold");
    row.state = "queued";
    row.recipients[1].attempts = row.recipients[2].attempts = 0;
    BOOST_TEST(name() == "deferred");  // put off without an attempt
    row.recipients[1].last_reply = row.recipients[2].last_reply = "";
    BOOST_TEST(name() == "incoming");
}

BOOST_AUTO_TEST_SUITE_END()
