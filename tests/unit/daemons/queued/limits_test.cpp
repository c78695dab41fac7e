// What [destinations] says, in the scheduler.
#include <boost/test/unit_test.hpp>

#include "tests/unit/daemons/queued/one_scheduler.h"

using namespace veredus;
using namespace veredus::queued;
using namespace std::chrono_literals;

namespace {

struct Fixture : queued_test::OneScheduler {
    void limit(const std::string& lines) {
        const auto read = config::Config::parse("[destinations]\n" + lines);
        BOOST_REQUIRE(read.has_value());
        config = *read;
        scheduler.set_limits(config);
    }
    void add_many(int count) {
        for (int i = 0; i < count; ++i)
            add("b.example");
    }
    // What goes in so much time, looked at whenever the scheduler asks for it.
    std::size_t goes_within(async::Duration span) {
        std::size_t count = 0;
        const auto end = now + span;
        for (;;) {
            for (const auto& task : take()) {
                finish(task);
                ++count;
            }
            const auto turn = scheduler.next_turn();
            if (!turn || *turn >= end) break;
            BOOST_TEST_REQUIRE((*turn > now));
            now = *turn;
        }
        now = end;
        return count;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(limits, Fixture)

BOOST_AUTO_TEST_CASE(connections_have_their_limit) {
    limit("\"b.example\" = { connections = 2 }\n\"wide.example\" = { connections = 40 }\n");
    for (int i = 0; i < 200; ++i) {
        add("b.example");
        add("wide.example");
    }
    std::map<std::string, std::size_t> most;
    for (auto active = take(); !active.empty(); active = take()) {
        std::map<std::string, std::size_t> now_active;
        for (const auto& task : active)
            ++now_active[task.next_hop];
        for (const auto& [host, count] : now_active)
            most[host] = std::max(most[host], count);
        for (const auto& task : active)
            finish(task);
    }
    BOOST_TEST(most["b.example"] == 2U);
    BOOST_TEST(most["wide.example"] == 40U);
}

BOOST_AUTO_TEST_CASE(recipients_go_in_groups) {
    limit("\"b.example\" = { recipients = 3 }\n");
    add("b.example", 7);
    std::vector<std::size_t> sizes;
    for (const auto& task : take())
        sizes.push_back(task.recipients.size());
    const std::vector<std::size_t> expected{3, 3, 1};
    BOOST_TEST(sizes == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_rate_is_kept_and_delays_nobody_else) {
    limit("\"b.example\" = { rate = \"60/m\" }\n");
    add_many(200);
    BOOST_TEST(goes_within(1min) == 60U);
    add("c.example");
    add("c.example");
    BOOST_TEST(goes_within(1ms) == 3U);
    BOOST_TEST(goes_within(10s - 1ms) == 9U);
}

BOOST_AUTO_TEST_CASE(a_rate_holds_for_what_comes_one_by_one) {
    limit("\"b.example\" = { rate = \"1/10s\" }\n");
    for (int i = 0; i < 3; ++i) {
        add("b.example");
        BOOST_TEST(goes_within(1s) == (i == 0 ? 1U : 0U));
    }
    BOOST_TEST(goes_within(20s) == 2U);
    BOOST_TEST(goes_within(1min) == 0U);
    BOOST_TEST(!scheduler.next_turn());  // nothing is remembered of it
    add("b.example");
    BOOST_TEST(goes_within(1ms) == 1U);
}

// Nothing went, so nothing counts: all that waits for a host that is away is put off at once.
BOOST_AUTO_TEST_CASE(what_is_not_tried_does_not_count) {
    limit("\"b.example\" = { rate = \"1/h\" }\n");
    add_many(20);
    std::size_t count = 0;
    while (auto task = scheduler.next(Worker::relayd, now)) {
        finish(*task, Scheduler::End::kNotTried);
        ++count;
    }
    BOOST_TEST(count == 20U);
}

BOOST_AUTO_TEST_CASE(lateness_is_made_up_for_but_not_idleness) {
    limit("\"b.example\" = { rate = \"1/s\" }\n");
    add_many(20);
    BOOST_TEST(take().size() == 1U);
    now += 1500ms;
    BOOST_TEST(take().size() == 1U);
    now += 500ms;
    BOOST_TEST(take().size() == 1U);
    now += 1h;
    BOOST_TEST(take().size() == 1U);
}

BOOST_AUTO_TEST_CASE(new_limits_hold_for_what_waits) {
    limit("\"b.example\" = { rate = \"1/d\" }\n");
    add_many(10);
    BOOST_TEST(goes_within(1min) == 1U);
    limit("\"b.example\" = { rate = \"2/s\" }\n");
    BOOST_TEST(goes_within(2s) == 4U);
    limit("");
    BOOST_TEST(goes_within(1ms) == 5U);
}

BOOST_AUTO_TEST_CASE(what_waits_for_a_rate_knows_for_how_long) {
    limit("\"b.example\" = { rate = \"1/m\" }");
    add_many(3);
    add("c.example");
    take();
    for (const auto& place : scheduler.busy()) {
        const bool paced = place.next_hop == "b.example";
        BOOST_TEST((place.not_before - now > 50s) == paced);
        BOOST_TEST(place.waiting == (paced ? 2U : 0U));
    }
    BOOST_TEST(scheduler.busy().size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
