#include <boost/test/unit_test.hpp>

#include "tests/unit/daemons/relayd/world.h"

using namespace veredus;
using namespace veredus::relayd_test;
using namespace std::chrono_literals;

namespace {

using Strings = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(delivery, OneHost)

BOOST_AUTO_TEST_CASE(one_message_to_one_recipient) {
    deliver("b.example", {"bob@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(outcomes[0].remote == "mx.b.example[192.0.2.1]:25");
    BOOST_TEST(outcomes[0].tls.empty());
    BOOST_REQUIRE(host.messages.size() == 1U);
    BOOST_TEST(host.messages[0].data == "Subject: a\r\n\r\nhello\r\n");
    advance(relayd::Pool::kLinger + 1s);
    const Strings expected = {"EHLO relay.example", "MAIL FROM:<alice@a.example> SIZE=21",
                              "RCPT TO:<bob@b.example>", "DATA", "QUIT"};
    BOOST_TEST(host.commands == expected, boost::test_tools::per_element());
    BOOST_REQUIRE(log_lines.size() == 1U);
    BOOST_TEST(log_lines[0].find("0000000000001: to=<bob@b.example>, "
                                 "relay=mx.b.example[192.0.2.1]:25, delay=") != std::string::npos,
               log_lines[0]);
    BOOST_TEST(log_lines[0].find("dsn=2.0.0, status=sent (250 2.0.0 queued)") != std::string::npos,
               log_lines[0]);
}

BOOST_AUTO_TEST_CASE(each_recipient_has_its_own_verdict) {
    host.answers["RCPT"] = {"", "550 5.1.1 no such user", "450 4.2.1 busy", "553 what"};
    deliver("b.example", {"a@b.example", "b@b.example", "c@b.example", "d@b.example"});
    BOOST_TEST(verdicts() ==
               "1: delivered 2.0.0 250 2.0.0 queued\n"
               "2: failed 5.1.1 550 5.1.1 no such user\n"
               "3: deferred 4.2.1 450 4.2.1 busy\n"
               "4: failed 5.0.0 553 what\n");
    BOOST_TEST(host.messages[0].rcpt.size() == 1U);
}

BOOST_AUTO_TEST_CASE(without_pipelining) {
    host.extensions = {};
    host.answers["RCPT"] = {"550 5.1.1 no such user", ""};
    deliver("b.example", {"a@b.example", "b@b.example"});
    BOOST_TEST(verdicts() ==
               "1: failed 5.1.1 550 5.1.1 no such user\n"
               "2: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(host.commands[1] == "MAIL FROM:<alice@a.example>");
}

BOOST_AUTO_TEST_CASE(nobody_is_taken) {
    host.extensions = {};
    host.answers["RCPT"] = {"550 5.1.1 no", "550 5.1.1 no"};
    deliver("b.example", {"a@b.example", "b@b.example"});
    BOOST_TEST(outcomes.size() == 2U);
    // No DATA, and the next message begins afresh.
    deliver("b.example", {"c@b.example"});
    const Strings expected = {"EHLO relay.example",
                              "MAIL FROM:<alice@a.example>",
                              "RCPT TO:<a@b.example>",
                              "RCPT TO:<b@b.example>",
                              "RSET",
                              "MAIL FROM:<alice@a.example>",
                              "RCPT TO:<c@b.example>",
                              "DATA"};
    BOOST_TEST(host.commands == expected, boost::test_tools::per_element());
    BOOST_TEST(host.messages.size() == 1U);
}

// RFC 2920 section 3.1: DATA was sent already and the host says 354.
BOOST_AUTO_TEST_CASE(nobody_is_taken_with_pipelining) {
    host.answers["RCPT"] = {"550 5.1.1 no"};
    host.answers["DATA"] = {"354 go on"};
    host.answers["."] = {"554 5.5.1 no recipients"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: failed 5.1.1 550 5.1.1 no\n");
    BOOST_TEST(host.messages.empty());
    deliver("b.example", {"b@b.example"});
    BOOST_TEST(host.messages.size() == 1U);
    BOOST_TEST(host.connections == 1);
}

BOOST_AUTO_TEST_CASE(the_sender_is_refused) {
    host.answers["MAIL"] = {"550 5.7.1 go away"};
    host.answers["RCPT"] = {"503 what", "503 what"};
    host.answers["DATA"] = {"503 what"};
    deliver("b.example", {"a@b.example", "b@b.example"});
    BOOST_TEST(verdicts() ==
               "1: failed 5.7.1 550 5.7.1 go away\n"
               "2: failed 5.7.1 550 5.7.1 go away\n");
}

BOOST_AUTO_TEST_CASE(data_is_refused) {
    host.answers["DATA"] = {"554 5.6.0 no"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: failed 5.6.0 554 5.6.0 no\n");
    outcomes.clear();
    host.answers["DATA"] = {"250 what"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: deferred 4.5.0 nonsense in answer to DATA: 250 what\n");
}

BOOST_AUTO_TEST_CASE(the_message_is_refused) {
    host.answers["."] = {"451 4.3.0 later", "550 5.7.1 spam"};
    deliver("b.example", {"a@b.example", "b@b.example"});
    BOOST_TEST(verdicts() ==
               "1: deferred 4.3.0 451 4.3.0 later\n"
               "2: deferred 4.3.0 451 4.3.0 later\n");
    outcomes.clear();
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: failed 5.7.1 550 5.7.1 spam\n");
}

BOOST_AUTO_TEST_CASE(dots_are_stuffed_and_the_last_line_ended) {
    deliver("b.example", {"a@b.example"}, ".one\r\n..two\r\n.\r\nlast");
    BOOST_TEST(host.messages[0].data == "..one\r\n...two\r\n..\r\nlast\r\n");
}

BOOST_AUTO_TEST_CASE(too_many_recipients_go_in_another_transaction) {
    host.answers["RCPT"] = {"", "452 4.5.3 too many", "552 too many", "", ""};
    deliver("b.example", {"a@b.example", "b@b.example", "c@b.example"});
    BOOST_TEST(verdicts() ==
               "1: delivered 2.0.0 250 2.0.0 queued\n"
               "2: delivered 2.0.0 250 2.0.0 queued\n"
               "3: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(host.messages.size() == 2U);
    BOOST_TEST(host.connections == 1);
    outcomes.clear();
    host.answers["RCPT"] = {"552 too many"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: deferred 4.5.3 552 too many\n");
    outcomes.clear();
    host.answers["RCPT"] = {"", "552 5.2.2 over quota", "452 4.2.2 over quota"};
    deliver("b.example", {"a@b.example", "b@b.example", "c@b.example"});
    BOOST_TEST(verdicts() ==
               "1: delivered 2.0.0 250 2.0.0 queued\n"
               "2: failed 5.2.2 552 5.2.2 over quota\n"
               "3: deferred 4.2.2 452 4.2.2 over quota\n");
}

BOOST_AUTO_TEST_CASE(helo_where_ehlo_is_unknown) {
    host.answers["EHLO"] = {"500 what"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(host.commands[1] == "HELO relay.example");
    BOOST_TEST(host.commands[2] == "MAIL FROM:<alice@a.example>");
}

BOOST_AUTO_TEST_CASE(too_large_for_the_host) {
    host.extensions = {"SIZE 20"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(outcomes[0].status == "5.3.4");
    host.extensions = {"SIZE 0"};
    advance(10s);
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(outcomes[1].status == "2.0.0");
}

// RFC 6152.
BOOST_AUTO_TEST_CASE(eight_bits) {
    using enum mail::BodyType;
    const std::string message = "Subject: a\r\n\r\ncaf\xC3\xA9\r\n";
    deliver("b.example", {"a@b.example"}, message, kEightBitMime);
    BOOST_TEST(host.commands[1] == "MAIL FROM:<alice@a.example> SIZE=21 BODY=8BITMIME");
    BOOST_TEST(host.messages[0].data == message);
    advance(10s);
    host.extensions = {};
    deliver("b.example", {"a@b.example"}, message, kEightBitMime);
    BOOST_TEST(outcomes[1].status == "5.6.3");
    // What only claims to be 8-bit goes anywhere.
    deliver("b.example", {"a@b.example"}, "Subject: a\r\n\r\n", kEightBitMime);
    BOOST_TEST(outcomes[2].status == "2.0.0");
}

// RFC 3461 section 5.2.1: to a host that offers DSN goes what was asked, and no more.
BOOST_AUTO_TEST_CASE(requests_for_notifications_are_passed_on) {
    host.extensions = {"PIPELINING", "DSN"};
    ipc::work::Job job = a_job("b.example", {"a@b.example", "b@b.example", "c@b.example"});
    job.ret = mail::Ret::kHeaders;
    job.envelope_id = "QQ 314+1";
    job.recipients[0].notify = mail::kNotifySuccess | mail::kNotifyDelay;
    job.recipients[0].original_recipient = "rfc822;Team=1@A.example";
    job.recipients[1].notify = mail::kNotifyNever;
    deliver(std::move(job));
    const Strings expected = {"EHLO relay.example",
                              "MAIL FROM:<alice@a.example> RET=HDRS ENVID=QQ+20314+2B1",
                              "RCPT TO:<a@b.example> NOTIFY=SUCCESS,DELAY "
                              "ORCPT=rfc822;Team+3D1@A.example",
                              "RCPT TO:<b@b.example> NOTIFY=NEVER ORCPT=rfc822;b@b.example",
                              "RCPT TO:<c@b.example> ORCPT=rfc822;c@b.example",
                              "DATA"};
    BOOST_TEST(host.commands == expected, boost::test_tools::per_element());
    BOOST_TEST(outcomes[0].notifies);
}

// RFC 3461 section 5.2.2: to another go none of them, and success is ours to tell.
BOOST_AUTO_TEST_CASE(where_no_dsn_is_offered_nothing_is_asked) {
    ipc::work::Job job = a_job("b.example", {"a@b.example"});
    job.ret = mail::Ret::kFull;
    job.envelope_id = "1";
    job.recipients[0].notify = mail::kNotifySuccess;
    job.recipients[0].original_recipient = "rfc822;x@a.example";
    deliver(std::move(job));
    BOOST_TEST(host.commands[1] == "MAIL FROM:<alice@a.example> SIZE=21");
    BOOST_TEST(host.commands[2] == "RCPT TO:<a@b.example>");
    BOOST_TEST(!outcomes[0].notifies);
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_never_said) {
    deliver("b.example", {"j\xC3\xB6rg@b.example", "a> SIZE=1\r\nRSET@b.example", "c@b.example"});
    BOOST_REQUIRE(outcomes.size() == 3U);
    BOOST_TEST(outcomes[0].status == "5.6.7");
    BOOST_TEST(outcomes[1].status == "5.1.3");
    BOOST_TEST(outcomes[2].status == "2.0.0");
    BOOST_TEST(host.messages[0].rcpt.size() == 1U);
    outcomes.clear();
    const auto tried = connects.size();
    deliver("b.example", {"no address"});
    BOOST_TEST(outcomes[0].status == "5.1.3");
    BOOST_TEST(connects.size() == tried);
}

BOOST_AUTO_TEST_CASE(a_damaged_message_never_leaves) {
    ipc::work::Job job;
    job.job = 7;
    job.next_hop = "b.example";
    job.recipients.emplace_back().forward_path = "a@b.example";
    job.body.length = 5;
    job.body.digest = mail::digest_of("other");
    start(std::move(job), file_with("hello"));
    BOOST_TEST(verdicts() == "0: damaged 4.3.0 the message is damaged on disk and is held\n");
    BOOST_TEST(connects.empty());
    outcomes.clear();
    deliver("b.example", {"a@b.example"}, "one\ntwo\r\n");
    BOOST_TEST(outcomes[0].status == "5.6.0");
    BOOST_TEST(connects.empty());
}

BOOST_AUTO_TEST_CASE(no_route_is_told_to_all) {
    deliver("absent.example", {"a@absent.example", "b@absent.example"});
    BOOST_REQUIRE(outcomes.size() == 2U);
    BOOST_TEST((outcomes[1].result == ipc::work::Result::failed));
    BOOST_TEST(outcomes[1].status == "5.1.2");
    BOOST_TEST(outcomes[1].remote.empty());
    BOOST_TEST(log_lines.back().find("relay=none") != std::string::npos);
    BOOST_TEST(log_lines.back().find("status=bounced") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(connections_are_used_again_for_a_while) {
    deliver("b.example", {"a@b.example"});
    advance(1s);
    deliver("b.example", {"b@b.example"});
    BOOST_TEST(host.connections == 1);
    BOOST_TEST(host.messages.size() == 2U);
    advance(relayd::Pool::kLinger + 1s);
    BOOST_TEST(host.commands.back() == "QUIT");
    deliver("b.example", {"c@b.example"});
    BOOST_TEST(host.connections == 2);
    BOOST_TEST(host.messages.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_died_is_replaced) {
    host.answers["MAIL"] = {"", "CLOSE", "", "421 4.4.2 idle too long"};
    for (int i = 0; i < 3; ++i)
        deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() ==
               "1: delivered 2.0.0 250 2.0.0 queued\n"
               "1: delivered 2.0.0 250 2.0.0 queued\n"
               "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(host.connections == 3);
    const Strings expected(3, "192.0.2.1:25");
    BOOST_TEST(connects == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_connection_carries_no_more_messages_than_its_limit) {
    auto job = a_job("b.example", {"a@b.example"});
    job.messages = 2;
    for (int i = 0; i < 5; ++i)
        deliver(job);
    BOOST_TEST(host.messages.size() == 5U);
    BOOST_TEST(host.connections == 3);
    BOOST_TEST(host.most_open == 1);
}

// The one to the other host of the same domain is closed first, though it might carry more.
BOOST_AUTO_TEST_CASE(connections_to_all_hosts_of_a_next_hop_count) {
    resolver.add_mx("two.example", 10, "mx1.two.example");
    resolver.add_mx("two.example", 20, "mx2.two.example");
    resolver.add_a("mx1.two.example", "192.0.2.1");
    resolver.add_a("mx2.two.example", "192.0.2.2");
    auto& second = hosts["192.0.2.2:25"];
    auto job = a_job("two.example", {"a@two.example"});
    job.connections = 1;
    deliver(job);
    BOOST_TEST(host.open == 1);
    host.answers["MAIL"] = {"421 4.3.2 not now", "421 4.3.2 not now"};
    deliver(job);
    BOOST_TEST(host.open == 0);
    BOOST_TEST(second.open == 1);
    second.answers["QUIT"] = {"SILENCE"};
    deliver(job);
    BOOST_TEST(host.connections == 2);  // until the other is closed
    advance(1min);
    BOOST_TEST(host.connections == 3);
    BOOST_TEST(host.messages.size() + second.messages.size() == 3U);
    // Who has no limit does not take what is counted for another.
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(host.connections == 4);
}

BOOST_AUTO_TEST_CASE(many_jobs_share_the_places_of_a_host) {
    for (std::size_t i = 0; i < relayd::Pool::kSessionsPerTarget + 5; ++i)
        host.answers["."].push_back("SILENCE");
    for (std::size_t i = 0; i < relayd::Pool::kSessionsPerTarget + 5; ++i)
        deliver("b.example", {"a@b.example"});
    BOOST_TEST(host.connections == int(relayd::Pool::kSessionsPerTarget));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(hosts_in_trouble, TwoHosts)

BOOST_AUTO_TEST_CASE(the_first_is_down) {
    hosts.erase("192.0.2.1:25");
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(outcomes[0].remote == "mx2.b.example[192.0.2.2]:25");
    BOOST_TEST(log_lines[0].find("connect to mx.b.example[192.0.2.1]:25: Connection refused") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(all_are_down) {
    hosts.clear();
    deliver("b.example", {"a@b.example", "b@b.example"});
    BOOST_TEST(verdicts() ==
               "1: deferred 4.4.1 connect to mx2.b.example[192.0.2.2]:25: Connection refused\n"
               "2: deferred 4.4.1 connect to mx2.b.example[192.0.2.2]:25: Connection refused\n");
}

BOOST_AUTO_TEST_CASE(trouble_before_the_message_passes_to_the_next) {
    const std::pair<const char*, std::map<std::string, std::deque<std::string>>> cases[] = {
        {"554 go away", {}},
        {"421 busy", {}},
        {"nonsense", {}},
        {"220 hi", {{"EHLO", {"CLOSE"}}}},
        {"220 hi", {{"EHLO", {"451 later"}}}},
        {"220 hi", {{"EHLO", {"500 what"}}, {"HELO", {"500 what"}}}},
        {"220 hi", {{"MAIL", {"451 4.3.0 later"}}}},
        {"220 hi", {{"MAIL", {"421 4.3.0 going"}}}},
        {"220 hi", {{"RCPT", {"421 4.3.0 going"}}}},
        {"220 hi", {{"DATA", {"CLOSE"}}}},
        {"220 hi", {{".", {"421 4.3.0 going"}}}}};
    int count = 0;
    for (const auto& [greeting, answers] : cases) {
        host.greeting = greeting;
        host.answers = answers;
        outcomes.clear();
        deliver("b.example", {"a@b.example"});
        const std::string which = std::string(greeting) + " " + std::to_string(count);
        BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n", which);
        BOOST_TEST(second.messages.size() == std::size_t(++count), which);
        BOOST_TEST(host.connections == count, which);
        advance(relayd::Reach::kRest);
    }
    BOOST_TEST(host.messages.empty());
}

BOOST_AUTO_TEST_CASE(one_that_may_recover_weighs_more_than_one_that_refuses) {
    host.greeting = "451 later";
    second.greeting = "554 never";
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: deferred 4.0.0 451 later\n");
    outcomes.clear();
    host.greeting = "554 never";
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: failed 5.0.0 554 never\n");
}

BOOST_AUTO_TEST_CASE(what_was_answered_stays) {
    host.answers["RCPT"] = {"550 5.1.1 no", "", "421 4.3.0 going"};
    deliver("b.example", {"a@b.example", "b@b.example", "c@b.example"});
    BOOST_TEST(verdicts() ==
               "1: failed 5.1.1 550 5.1.1 no\n"
               "2: delivered 2.0.0 250 2.0.0 queued\n"
               "3: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(second.messages[0].rcpt.size() == 2U);
}

BOOST_AUTO_TEST_CASE(broken_after_the_final_dot_is_in_doubt) {
    host.answers["."] = {"CLOSE"};
    deliver("b.example", {"a@b.example"});
    BOOST_REQUIRE(outcomes.size() == 1U);
    BOOST_TEST(outcomes[0].in_doubt);
    BOOST_TEST(outcomes[0].status == "4.4.2");
    BOOST_TEST(outcomes[0].reply.contains("may have arrived"));
    BOOST_TEST(second.connections == 0);
}

// RFC 5321 section 4.5.3.2.
BOOST_AUTO_TEST_CASE(silence_has_its_time_limits) {
    const std::pair<const char*, async::Duration> cases[] = {
        {"EHLO", 5min}, {"MAIL", 5min}, {"RCPT", 5min}, {"DATA", 2min}};
    for (const auto& [verb, limit] : cases) {
        host.extensions = {};
        host.answers = {{verb, {"SILENCE"}}};
        outcomes.clear();
        deliver("b.example", {"a@b.example"});
        advance(limit - 1s);
        BOOST_TEST(outcomes.empty(), verb);
        advance(2s);
        BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n", verb);
        advance(relayd::Reach::kRest);
    }
    host.answers = {{".", {"SILENCE"}}};
    outcomes.clear();
    deliver("b.example", {"a@b.example"});
    advance(10min - 1s);
    BOOST_TEST(outcomes.empty());
    advance(2s);
    BOOST_REQUIRE(outcomes.size() == 1U);
    BOOST_TEST(outcomes[0].in_doubt);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_all_but_a_message_that_is_out) {
    host.answers["MAIL"] = {"SILENCE"};
    deliver("b.example", {"a@b.example"});
    stop.request();
    settle();
    BOOST_TEST(outcomes.empty());
    BOOST_TEST(scope->children() == 0U);
    BOOST_TEST(second.connections == 0);
}

BOOST_AUTO_TEST_CASE(a_stop_waits_a_moment_for_the_answer_to_a_final_dot) {
    host.answers["."] = {"SILENCE"};
    deliver("b.example", {"a@b.example"});
    stop.request();
    settle();
    BOOST_TEST(scope->children() == 2U);
    advance(11s);
    BOOST_TEST(scope->children() == 0U);
    BOOST_REQUIRE(outcomes.size() == 1U);
    BOOST_TEST(outcomes[0].in_doubt);
}

BOOST_AUTO_TEST_SUITE_END()
