#include "common/mailq/why.h"

#include <boost/test/unit_test.hpp>

using namespace veredus;
using ipc::admin::Row;
using ipc::admin::RowRecipient;

namespace {

constexpr std::int64_t kNow = 1'793'700'000'000'000;
constexpr std::int64_t kMinute = 60'000'000;

std::string why(const Row& row, const RowRecipient& recipient) {
    return mailq::why_it_waits(row, recipient, kNow);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(why_it_waits)

BOOST_AUTO_TEST_CASE(each_state_has_its_sentence) {
    const Row queued{.state = "queued"};
    const RowRecipient fresh{.state = "ready"};
    const RowRecipient deferred{.state = "deferred",
                                .attempts = 2,
                                .next_attempt_us = kNow + 12 * kMinute,
                                .last_reply = "450 4.2.0 full",
                                .last_remote = "mx.b.example[192.0.2.2]:25"};
    BOOST_TEST(why(queued, fresh) == "it waits for its turn at this destination");
    BOOST_TEST(why(queued, deferred) ==
               "host mx.b.example[192.0.2.2]:25 said: 450 4.2.0 full; the next attempt is in 12 "
               "min");
    auto silent = deferred;
    silent.last_reply = "";
    BOOST_TEST(why(queued, silent) ==
               "the last attempt failed for the time being; the next attempt is in 12 min");
    auto paused = deferred;
    paused.paused = "mail to b.example is paused by the administrator";
    BOOST_TEST(why(queued, paused) ==
               "mail to b.example is paused by the administrator: nothing is tried until it is "
               "resumed");
    auto due = deferred;
    due.next_attempt_us = kNow - 1;
    BOOST_TEST(why(queued, due).ends_with("is due: it waits for its turn at this destination"));
    due.turn = {.next_hop = "b.example", .active = 1, .most = 5, .waiting = 2};
    BOOST_TEST(why(queued, due)
                   .ends_with("the next attempt is due: it waits for its turn at "
                              "b.example: 1 delivery under way there, 2 messages "
                              "waiting"));
    auto tried = deferred;
    tried.tried_now = true;
    BOOST_TEST(why({.state = "active"}, tried) == "it is being delivered right now");
    BOOST_TEST(why({.state = "active"}, deferred) == why(queued, deferred));
    BOOST_TEST(why({.state = "hold", .reason = "odd"}, deferred) ==
               "the message is on hold (odd): nothing is tried until it is released");
    BOOST_TEST(why({.state = "damaged", .reason = "a bit"}, deferred) ==
               "the message is damaged on disk (a bit): it is kept and never sent");
    BOOST_TEST(why(queued, {.state = "in doubt", .attempts = 1, .next_attempt_us = kNow - 1})
                   .contains("ended in doubt; the next attempt is due"));
    BOOST_TEST(why(queued, {.state = "relayed", .finished = true, .attempts = 1}).empty());
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_turn_hears_what_is_before_it) {
    const auto waits = [](ipc::admin::Turn turn) {
        return why({.state = "queued"}, {.state = "ready", .turn = std::move(turn)});
    };
    const std::string its = "it waits for its turn at [192.0.2.9]:25";
    BOOST_TEST(waits({.next_hop = "[192.0.2.9]:25"}) == its);
    BOOST_TEST(waits({.next_hop = "[192.0.2.9]:25", .active = 20, .most = 20, .waiting = 1203}) ==
               its +
                   ": 20 deliveries under way there, as many as it takes for now, 1203 messages "
                   "waiting");
    BOOST_TEST(waits({.next_hop = "[192.0.2.9]:25",
                      .active = 1,
                      .most = 5,
                      .waiting = 1,
                      .rate_pause_us = 12'000'000}) ==
               its + ": the rate set for it lets another go in 12 s, 1 message waiting");
    BOOST_TEST(waits({.next_hop = "[192.0.2.9]:25", .away = "relayd"}) ==
               "it waits for relayd, which is not there: see veredus status");
}

BOOST_AUTO_TEST_CASE(times_are_rough) {
    BOOST_TEST(mailq::rough_time(0) == "0 s");
    BOOST_TEST(mailq::rough_time(119'000'000) == "119 s");
    BOOST_TEST(mailq::rough_time(2 * kMinute) == "2 min");
    BOOST_TEST(mailq::rough_time(119 * kMinute) == "119 min");
    BOOST_TEST(mailq::rough_time(120 * kMinute) == "2 h");
    BOOST_TEST(mailq::rough_time(48 * 60 * kMinute) == "2 d");
}

BOOST_AUTO_TEST_SUITE_END()
