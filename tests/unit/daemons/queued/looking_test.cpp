// What happens to messages while the disk is looked at, beside the work, for what is due.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <latch>
#include <thread>

#include "spool/queue/queue_store.h"
#include "tests/unit/daemons/queued/world.h"

namespace veredus::queued_test {
namespace {

using ipc::admin::Verb;
using ipc::work::Result;

constexpr const char* kText = "Subject: a\r\n\r\nhello\r\n";

// A search that has begun and goes on when it is told to.
class SlowSearch {
  public:
    explicit SlowSearch(World& world) : world_(world) {
        world.disk->set_at_read([this, loops = std::this_thread::get_id()] {
            if (std::this_thread::get_id() == loops || began_.exchange(true)) return;
            may_go_on_.wait();
        });
        world.reload();
        wait_until([this] { return began_.load(); });
    }
    ~SlowSearch() {
        may_go_on_.count_down();
        world_.list();  // by then it has come to its end
        world_.loop.poll();
        world_.disk->set_at_read({});
    }
    template <class Wanted>
    void wait_until(Wanted wanted) {
        const auto turn = [&]() -> Task<> {
            while (!wanted())
                co_await async::give_way(world_.loop);
        };
        world_.run(turn());
    }

  private:
    World& world_;
    std::atomic<bool> began_ = false;
    std::latch may_go_on_{1};
};

void check_that_nothing_else_comes(World& world, Worker& relayd) {
    const auto next = world.accept(kText, {"next@d.example"});
    const auto given = world.run(relayd.next());
    BOOST_CHECK(given.job.id == next);
    relayd.answer(given, Result::delivered, "2.0.0");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(looking)

BOOST_AUTO_TEST_CASE(what_has_left_meanwhile_is_not_due) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    {
        SlowSearch search(world);
        relayd->answer(given, Result::delivered, "2.0.0");
        search.wait_until([&] { return world.logged(id.text() + ": removed"); });
    }
    check_that_nothing_else_comes(world, *relayd);
    world.wait_until_empty();
    BOOST_CHECK(world.end() == nullptr);
    BOOST_TEST(!world.logged("damaged"));
}

BOOST_AUTO_TEST_CASE(what_was_put_off_meanwhile_is_not_due) {
    World world;
    world.accept(kText, {"x@b.example"});
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    {
        SlowSearch search(world);
        relayd->answer(given, Result::deferred, "4.2.1");
        world.wait_until(
            [](const auto& rows) { return rows.at(0).recipients.at(0).attempts == 1; });
    }
    check_that_nothing_else_comes(world, *relayd);
    world.advance(10 * kMinute);
    BOOST_TEST(world.run(relayd->next()).job.recipients.at(0).forward_path == "x@b.example");
}

BOOST_AUTO_TEST_CASE(what_is_held_meanwhile_stays) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    {
        const SlowSearch search(world);
        BOOST_TEST(world.act(Verb::hold, id) == 1U);
    }
    const auto relayd = world.relayd();
    check_that_nothing_else_comes(world, *relayd);
    BOOST_TEST(world.list().at(0).state == "hold");
}

BOOST_AUTO_TEST_CASE(what_is_given_up_meanwhile_is_not_sent) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    {
        const SlowSearch search(world);
        BOOST_TEST(world.act(Verb::bounce, id) == 1U);
    }
    const auto relayd = world.relayd();
    check_that_nothing_else_comes(world, *relayd);
    const auto deliverd = world.deliverd();
    const auto bounce = world.run(deliverd->next());
    BOOST_TEST(bounce.text.contains("returned to the sender by the administrator"));
    deliverd->answer(bounce, Result::delivered, "2.0.0");
    world.wait_until_empty();
    BOOST_TEST(!world.logged("damaged"));
}

BOOST_AUTO_TEST_CASE(a_clean_stop_leaves_nothing_in_doubt) {
    World world;
    world.accept(std::string(spool::kSingleFileThreshold + 1, 'x'), {"x@b.example"});
    BOOST_TEST((world.end() == nullptr));
    spool::QueueStore queue(world.disk->root());
    spool::BodyStore bodies(world.disk->root().open_directory("body"));
    bodies.recover(queue.needed_files(), spool::BodyStore::Unneeded::kLeave);
    const auto found = queue.survey(bodies);
    BOOST_TEST_REQUIRE(found.size() == 1U);
    BOOST_TEST(!found[0].second.in_doubt);
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_turn_sees_how_it_stands_there) {
    World world;
    const auto turn_of = [&](mail::QueueId id) {
        for (const auto& row : world.list())
            if (row.id == id) return row.recipients.at(0).turn;
        return ipc::admin::Turn();
    };
    const auto first = world.accept(kText, {"x0@b.example"});
    BOOST_TEST(turn_of(first).away == "relayd");
    const auto relayd = world.relayd();
    auto last = first;
    for (int i = 1; i < 8; ++i)
        last = world.accept(kText, {"x@b.example"});
    const auto given = world.run(relayd->next());
    const auto turn = turn_of(last);
    BOOST_TEST(turn.away == "");
    BOOST_TEST(turn.next_hop == "b.example");
    BOOST_TEST(turn.active == 5U);
    BOOST_TEST(turn.most == 5U);
    BOOST_TEST(turn.waiting == 3U);
    BOOST_TEST(turn.rate_pause_us == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::queued_test
