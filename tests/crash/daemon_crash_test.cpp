// Cuts the power under the whole of queued, with clients and workers at its links, and asks what
// was promised to them. Threads do as they like, so a seed says what is done, not quite when.
// Replay: crash_daemon --run_test=daemon_crash/random_days -- FIRST_SEED COUNT
#define BOOST_TEST_MODULE daemon_crash
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <random>

#include "spool/ledger/reader.h"
#include "tests/unit/daemons/queued/world.h"

namespace veredus::queued_test {
namespace {

using ipc::work::Result;
using Loss = spool::FaultDisk::Loss;

constexpr int kWaves = 8;  // of clients, in a day
constexpr std::array kLosses{Loss::kAllUnsynced, Loss::kRandom, Loss::kNothingSoFar};

// What the world outside knows of a message.
struct Told {
    std::string text;
    std::size_t recipients = 0;
    bool acknowledged = false;        // 250
    std::set<std::string> delivered;  // recipients a worker has said so of
    std::size_t times_given = 0;
};
using AllTold = std::map<mail::QueueId, Told>;

// One of queued's days: clients bring messages, a relayd takes them away.
class Day {
  public:
    Day(World& world, AllTold& told, std::uint64_t seed)
        : world_(world), told_(told), random_(seed) {}

    void live(int waves) {
        workers_.spawn([this]() -> Task<> { co_await work(); });
        for (int i = 0; i < waves && world_.serves(); ++i) {
            if (pick(3) == 0) keep_or_let_go();
            const std::size_t count = pick(4) == 0 ? 30 : 1 + pick(6);
            submit_together(count);
        }
        // What a full disk has put off is written.
        for (int i = 0; i < 3; ++i)
            world_.advance(std::chrono::seconds(2));
    }
    // Until the queue is empty: what is given to the worker is what arrived.
    void finish() {
        answers_all_ = true;
        workers_.spawn([this]() -> Task<> { co_await work(); });
        world_.wait_until_empty();
    }
    void end() {
        workers_stop_.request();
        world_.loop.run(workers_.join());
    }

  private:
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

    // Time goes on meanwhile, for what waits until the disk may have room again.
    void submit_together(std::size_t count) {
        async::Scope clients(world_.loop, never_);
        for (std::size_t i = 0; i < count; ++i)
            clients.spawn([this]() -> Task<> { co_await submit(); });
        while (clients.children() != 0)
            world_.advance(std::chrono::milliseconds(1));
        world_.loop.run(clients.join());
    }

    Task<> submit() {
        intake::Envelope envelope;
        const auto id = envelope.id = world_.env.new_queue_id();
        envelope.reverse_path = "alice@a.example";
        for (auto n = 1 + pick(3); n > 0; --n)
            envelope.recipients.push_back({"r" + std::to_string(n) + "@b.example", {}, 0});
        const std::size_t size = pick(15) == 0 ? 300'000 : pick(5'000);
        auto& told = told_[id];
        told.text = "Subject: " + id.text() + "\r\n\r\n" + std::string(size, 'x') + "\r\n";
        told.recipients = envelope.recipients.size();
        intake::Body body(*world_.client);
        body.write(told.text);
        if (body.full()) co_await body.make_room(never_);
        const auto verdict = co_await world_.client->submit(std::move(envelope), body, never_);
        told.acknowledged = verdict.accepted;
    }

    // A relayd, until it is cut off.
    Task<> work() {
        const auto relayd = world_.relayd();
        const async::Stop::Hook on_stop(workers_stop_, [&] { relayd->leave(); });
        try {
            for (;;)
                take(co_await relayd->next(), *relayd);
        } catch (const async::Stopped&) {
        } catch (const std::runtime_error&) {
        }
    }

    void take(const GivenJob& given, Worker& relayd) {
        const auto found = told_.find(given.job.id);
        BOOST_TEST_REQUIRE((found != told_.end()), given.job.id.text());
        auto& told = found->second;
        BOOST_TEST((given.text == told.text), given.job.id.text() + " is not what arrived");
        ++told.times_given;
        if (!answers_all_ && pick(3) == 0) return relayd.answer(given, Result::deferred, "4.4.1");
        for (const auto& recipient : given.job.recipients)
            told.delivered.insert(recipient.forward_path);
        relayd.answer(given, Result::delivered, "2.0.0");
    }

    // An administrator, until queued is away.
    void keep_or_let_go() {
        AdminLink admin(world_.loop, world_.path("admin"));
        async::Scope acting(world_.loop, never_);
        acting.spawn([&]() -> Task<> { co_await keep_or_let_go(admin); });
        while (acting.children() != 0) {
            if (!world_.serves()) admin.leave();
            world_.advance(std::chrono::milliseconds(1));
        }
        world_.loop.run(acting.join());
    }
    Task<> keep_or_let_go(AdminLink& admin) {
        try {
            const auto rows = co_await admin.list();
            if (rows.empty()) co_return;
            const auto& row = rows[pick(rows.size())];
            const bool held = row.state == "hold";
            co_await admin.act(held ? ipc::admin::Verb::release : ipc::admin::Verb::hold, row.id);
        } catch (const async::Stopped&) {
        } catch (const std::runtime_error&) {
        }
    }

    World& world_;
    AllTold& told_;
    std::mt19937_64 random_;
    bool answers_all_ = false;
    async::Stop never_;
    async::Stop workers_stop_;
    async::Scope workers_{world_.loop, workers_stop_};
};

std::uint64_t operations_of(std::uint64_t seed) {
    AllTold told;
    World world(std::make_unique<spool::FaultDisk>(seed));
    Day day(world, told, seed);
    day.live(kWaves);
    const auto operations = world.disk->operations();
    day.end();
    world.end();
    return operations;
}

// Every message that was acknowledged is there, or somebody was given all of it.
void check_kept(World& world, const AllTold& told) {
    std::set<mail::QueueId> here;
    for (const auto& row : world.list()) {
        here.insert(row.id);
        BOOST_TEST(told.contains(row.id));
        BOOST_TEST(row.state != "damaged", row.id.text());
    }
    for (const auto& [id, message] : told) {
        const bool all_delivered = message.delivered.size() == message.recipients;
        if (message.acknowledged && !all_delivered)
            BOOST_TEST(here.contains(id), id.text() + " was acknowledged and is lost");
    }
}

void check_day(std::uint64_t seed, const spool::FaultDisk::Plan& plan, Loss loss) {
    BOOST_TEST_CONTEXT("seed " << seed << ", cut at " << plan.cut_at.value_or(0) << ", error at "
                               << plan.fail_at.value_or(0) << ": " << plan.fail_code) {
        AllTold told;
        std::unique_ptr<spool::FaultDisk> disk;
        {
            auto failing = std::make_unique<spool::FaultDisk>(seed);
            failing->set_plan(plan);
            World world(std::move(failing));
            Day day(world, told, seed);
            day.live(kWaves);
            day.end();
            world.end();
            disk = world.disk->after(loss);
        }
        World world(std::move(disk), 1'763'892'541'000'000 + std::int64_t(86'400'000'000));
        check_kept(world, told);
        for (const auto& row : world.list()) {
            if (row.state == "hold") world.act(ipc::admin::Verb::release, row.id);
        }
        Day after(world, told, seed + 1);
        after.finish();
        after.end();
        const auto ledger = world.disk->root().open_directory("ledger");
        BOOST_CHECK(world.end() == nullptr);
        std::set<mail::QueueId> acknowledged;
        for (const auto& [id, message] : told) {
            if (message.acknowledged) acknowledged.insert(id);
        }
        BOOST_TEST((spool::LedgerReader(*ledger).left(acknowledged) == acknowledged),
                   "a message has left without its story");
    }
}

std::uint64_t argument(int index, std::uint64_t otherwise) {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    return suite.argc > index ? std::strtoull(suite.argv[index], nullptr, 10) : otherwise;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(daemon_crash)

BOOST_AUTO_TEST_CASE(random_days) {
    const auto first = argument(1, 1);
    for (auto seed = first; seed < first + argument(2, 150); ++seed) {
        std::mt19937_64 random(seed);
        const auto cut_at = 1 + random() % operations_of(seed);
        check_day(seed, {.cut_at = cut_at}, kLosses[seed % kLosses.size()]);
    }
}

// The day goes on after it, as far as it can; then the power goes.
BOOST_AUTO_TEST_CASE(random_days_with_an_error) {
    const auto first = argument(1, 1);
    for (auto seed = first; seed < first + argument(2, 150); ++seed) {
        std::mt19937_64 random(seed);
        const auto fail_at = 1 + random() % operations_of(seed);
        const int code = random() % 2 == 0 ? EIO : ENOSPC;
        check_day(seed, {.fail_at = fail_at, .fail_code = code}, kLosses[seed % kLosses.size()]);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::queued_test
