// Destinations that nobody has reached leave room for others, in the scheduler.
#include <boost/test/unit_test.hpp>

#include "common/mail/priority.h"
#include "tests/unit/daemons/queued/one_scheduler.h"

using namespace veredus;
using namespace veredus::queued;
using namespace std::chrono_literals;

namespace {

struct Fixture : queued_test::OneScheduler {
    void add_many(const std::string& host, int messages, std::int32_t priority = 0) {
        for (int i = 0; i < messages; ++i)
            add(host, 1, priority);
    }
    void add_hosts(const std::string& name, int hosts, int messages, std::int32_t priority = 0) {
        for (int i = 0; i < hosts; ++i)
            add_many(std::to_string(i) + '.' + name, messages, priority);
    }
    void reach(const std::string& host) {
        add(host);
        finish(take().at(0), Scheduler::End::kReached);
    }
    void finish_all(const std::vector<Assignment>& tasks, Scheduler::End end) {
        for (const auto& task : tasks)
            finish(task, end);
    }
};

constexpr std::size_t kAll = 600;
constexpr std::size_t kUnprovenBulk = 400;
constexpr std::size_t kBulk = 700;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(unproven, Fixture)

BOOST_AUTO_TEST_CASE(dead_hosts_do_not_take_the_places_of_those_that_answer) {
    reach("good.example");
    add_hosts("dead.example", 200, 5);
    const auto dead = take();
    BOOST_TEST(dead.size() == kAll);
    add("good.example");
    BOOST_TEST(take().at(0).next_hop == "good.example");
    // One that nobody knows waits until some of those have ended.
    add("new.example");
    BOOST_TEST(take().empty());
    finish_all(dead, Scheduler::End::kNotReached);
    const auto rest = take();
    BOOST_TEST(std::ranges::count(rest, "new.example", &Assignment::next_hop) == 1);
    finish_all(rest, Scheduler::End::kReached);
    while (scheduler.recipients() > 1) {
        const auto more = take();
        BOOST_TEST_REQUIRE(!more.empty());
        finish_all(more, Scheduler::End::kReached);
    }
}

BOOST_AUTO_TEST_CASE(a_mailing_leaves_room_for_letters_to_hosts_that_nobody_knows) {
    add_hosts("dead.example", 500, 1, mail::kPriorityOfBulk);
    const auto mailing = take();
    BOOST_TEST(mailing.size() == kUnprovenBulk);
    add("new.example");
    // Also to one that the mailing waits for.
    add("499.dead.example");
    const auto letters = take();
    BOOST_TEST(letters.size() == 2U);
    BOOST_TEST(letters.at(0).envelope->priority == 0);
    // For each that ends another one of the mailing goes, but for what the letters have.
    finish_all(letters, Scheduler::End::kReached);
    finish(mailing[0], Scheduler::End::kNotReached);
    BOOST_TEST(take().size() == 2U);  // and the mailing's to the host that the letter has reached
    finish_all({mailing.begin() + 1, mailing.end()}, Scheduler::End::kNotReached);
    BOOST_TEST(take().size() == 98U);
}

BOOST_AUTO_TEST_CASE(who_was_reached_is_known_until_he_is_not) {
    reach("b.example");
    add_hosts("dead.example", 200, 5);
    const auto dead = take();
    add("b.example");
    const auto known = take();
    BOOST_TEST_REQUIRE(known.size() == 1U);
    finish(known[0], Scheduler::End::kNotReached);
    add("b.example");
    BOOST_TEST(take().empty());
    scheduler.give_back(dead[0]);
    BOOST_TEST(take().size() == 1U);
}

BOOST_AUTO_TEST_CASE(those_that_wait_may_be_dropped) {
    add_hosts("dead.example", 200, 5);
    const auto dead = take();
    scheduler.drop_waiting();
    finish_all(dead, Scheduler::End::kNotReached);
    BOOST_TEST(take().empty());
    BOOST_TEST(scheduler.recipients() == 0U);
    BOOST_TEST(scheduler.busy().empty());
}

BOOST_AUTO_TEST_CASE(a_mailing_to_slow_hosts_leaves_room_for_letters) {
    constexpr int kHosts = 160;
    reach("good.example");
    add_hosts("slow.example", kHosts, 1);
    finish_all(take(), Scheduler::End::kReached);
    add_hosts("slow.example", kHosts, 5, mail::kPriorityOfBulk);
    add_hosts("dead.example", 10, 1, mail::kPriorityOfBulk);
    const auto mailing = take();
    BOOST_TEST(mailing.size() == kBulk);
    add("good.example");
    add("new.example");
    BOOST_TEST(take().size() == 2U);
    finish_all(mailing, Scheduler::End::kReached);
    BOOST_TEST(take().size() == kHosts * 5 + 10 - kBulk);
}

BOOST_AUTO_TEST_CASE(what_there_is_room_for_depends_on_what_relayd_carries) {
    scheduler.set_capacity(10);
    add_hosts("dead.example", 20, 1);
    BOOST_TEST(take().size() == 6U);
}

BOOST_AUTO_TEST_SUITE_END()
