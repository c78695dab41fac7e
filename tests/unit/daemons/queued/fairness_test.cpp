#include <boost/test/unit_test.hpp>
#include <set>

#include "daemons/queued/scheduler.h"
#include "tests/unit/daemons/queued/world.h"

using namespace veredus;
using namespace veredus::queued_test;
using ipc::work::Result;

namespace {

std::vector<std::string> people(std::size_t count, const std::string& host) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back("u" + std::to_string(i) + "@" + host);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fairness)

// What memory does not hold of a mailing waits on disk, comes when there is room, all of it and
// once, and stands in nobody's way there.
BOOST_AUTO_TEST_CASE(a_mailing_larger_than_its_share_lets_others_pass_and_comes_through) {
    World world;
    constexpr std::size_t kEach = 6000;
    const auto all = people(kEach, "b.example");
    for (int i = 0; i < 4; ++i)
        world.accept("news\r\n", all, "news@lists.example");
    const auto single = world.accept("hello\r\n", {"x@b.example"}, "ann@c.example");

    const auto relayd = world.relayd(1);
    std::set<std::pair<mail::QueueId, std::uint32_t>> seen;
    std::size_t jobs = 0;
    while (seen.size() < 4 * kEach + 1) {
        const auto given = world.run(relayd->next());
        ++jobs;
        if (given.job.id == single) BOOST_TEST(jobs <= 3U);
        for (const auto& recipient : given.job.recipients)
            BOOST_TEST_REQUIRE(seen.emplace(given.job.id, recipient.recipient).second);
        relayd->answer(given, Result::delivered, "2.0.0");
    }
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(one_message_larger_than_its_share_goes_at_once) {
    World world;
    const auto relayd = world.relayd();
    constexpr std::size_t kAll = queued::Scheduler::kShare + 2000;
    world.accept("news\r\n", people(kAll, "b.example"), "news@lists.example");
    for (std::size_t seen = 0; seen < kAll;) {
        const auto given = world.run(relayd->next());
        seen += given.job.recipients.size();
        relayd->answer(given, Result::delivered, "2.0.0");
    }
    world.wait_until_empty();
}

BOOST_AUTO_TEST_SUITE_END()
