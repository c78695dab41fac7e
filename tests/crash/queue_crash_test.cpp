// Cuts the power under a queue at every operation on its disk and asks whether the promises hold.
// Every case is replayed from its numbers: crash_queue --run_test=queue_crash/random_lives --
// FIRST_SEED COUNT; so are random_errors and a_failed_sync_and_a_kill_and_then_a_crash
#define BOOST_TEST_MODULE crash
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>

#include "tests/crash/queue_life.h"

namespace veredus::spool {
namespace {

using Loss = FaultDisk::Loss;

struct Case {
    std::uint64_t seed;
    std::uint64_t cut_at;  // 0: never
    Loss loss;
    bool bodies_first;
    int steps = 12;
};

const SideBySide& order_of(const Case& c) {
    static const SideBySide first = one_by_one;
    static const SideBySide second = last_first;
    return c.bodies_first ? first : second;
}

std::uint64_t operations_of(Case c) {
    FaultDisk disk(c.seed);
    Told told;
    QueueLife life(disk.root(), told, c.seed, order_of(c));
    BOOST_TEST_REQUIRE(life.live(c.steps));
    return disk.operations();
}

void report(const Case& c, const std::vector<std::string>& faults) {
    for (const auto& fault : faults) {
        BOOST_ERROR("seed " << c.seed << ", cut at " << c.cut_at << ", loss "
                            << static_cast<int>(c.loss) << ", bodies first " << c.bodies_first
                            << ": " << fault);
    }
}

void check_cut(const Case& c) {
    FaultDisk disk(c.seed * 1'000'003 + c.cut_at);
    Told told;
    disk.set_plan({.cut_at = c.cut_at});
    try {
        QueueLife life(disk.root(), told, c.seed, order_of(c));
        life.live(c.steps);
    } catch (const std::runtime_error&) {
        BOOST_TEST_REQUIRE(disk.power_is_lost());  // while it was made
    }
    const auto after = disk.after(c.loss);
    report(c, faults_after_crash(*after, told));
}

// FIRST_SEED and COUNT of the command line.
std::uint64_t argument(int index, std::uint64_t otherwise) {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    return suite.argc > index ? std::strtoull(suite.argv[index], nullptr, 10) : otherwise;
}
std::uint64_t first_seed(std::uint64_t otherwise) {
    return argument(1, otherwise);
}
std::uint64_t seeds(std::uint64_t otherwise) {
    return argument(2, otherwise);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queue_crash)

BOOST_AUTO_TEST_CASE(every_cut_of_some_lives) {
    std::uint64_t cases = 0;
    for (const std::uint64_t seed : {1, 2, 3}) {
        for (const bool bodies_first : {true, false}) {
            const auto operations = operations_of({seed, 0, Loss::kAllUnsynced, bodies_first});
            for (std::uint64_t cut = 1; cut <= operations; ++cut) {
                for (const auto loss : {Loss::kAllUnsynced, Loss::kRandom, Loss::kNothingSoFar}) {
                    check_cut({seed, cut, loss, bodies_first});
                    ++cases;
                }
            }
        }
    }
    BOOST_TEST_MESSAGE(cases << " cuts");
    BOOST_TEST(cases > 1'000U);
}

BOOST_AUTO_TEST_CASE(random_lives) {
    for (auto seed = first_seed(100); seed < first_seed(100) + seeds(300); ++seed) {
        std::mt19937_64 random(seed);
        Case c{seed, 0, Loss::kRandom, random() % 2 == 0, 30};
        c.cut_at = 1 + random() % operations_of(c);
        check_cut(c);
    }
}

BOOST_AUTO_TEST_CASE(two_crashes_in_a_row) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        std::mt19937_64 random(seed);
        const Case c{seed, 40 + random() % 150, Loss::kRandom, seed % 2 == 0, 30};
        FaultDisk disk(seed);
        Told told;
        disk.set_plan({.cut_at = c.cut_at});
        QueueLife(disk.root(), told, seed, order_of(c)).live(c.steps);
        const auto once = disk.after(c.loss);
        once->set_plan({.cut_at = 1 + random() % 60});
        try {
            QueueLife(once->root(), told, seed + 1'000, order_of(c)).live(c.steps);
        } catch (const std::runtime_error&) {
            BOOST_TEST_REQUIRE(once->power_is_lost());
        }
        const auto twice = once->after(c.loss);
        report(c, faults_after_crash(*twice, told));
    }
}

// The one after a kill reads, and builds on, what the system holds in memory and the disk does not:
// also what a sync failed to bring there.
BOOST_AUTO_TEST_CASE(a_failed_sync_and_a_kill_and_then_a_crash) {
    for (auto seed = first_seed(1); seed < first_seed(1) + seeds(200); ++seed) {
        std::mt19937_64 random(seed);
        const auto loss = seed % 3 == 0 ? Loss::kRandom : Loss::kAllUnsynced;
        const Case c{seed, 20 + random() % 170, loss, seed % 2 == 0, 30};
        FaultDisk disk(seed);
        Told told;
        const auto live = [&](FaultDisk::Plan plan, std::uint64_t number) {
            disk.set_plan(std::move(plan));
            try {
                QueueLife life(disk.root(), told, number, order_of(c));
                life.live(c.steps);
                // Nobody says goodbye to a process that is killed.
                disk.set_plan({.cut_at = disk.operations() + 1});
            } catch (const std::runtime_error& error) {
                // Else it could not be opened for the first time: nothing was promised.
                BOOST_TEST_REQUIRE((disk.power_is_lost() || told.messages.empty()),
                                   "seed " << seed << ": " << error.what());
            }
        };
        live({.cut_at = c.cut_at, .fail_at = c.cut_at - 1 - random() % 5}, seed);
        disk.start_again_after_kill();
        live({.cut_at = disk.operations() + 1 + random() % 120}, seed + 1'000);
        const auto after = disk.after(loss);
        report(c, faults_after_crash(*after, told));
    }
}

void check_error(const Case& c, std::uint64_t fail, int code) {
    FaultDisk disk(fail);
    Told told;
    disk.set_plan({.fail_at = fail, .fail_code = code});
    try {
        QueueLife life(disk.root(), told, c.seed, order_of(c));
        life.live(c.steps);
    } catch (const std::runtime_error&) {
        // The queue could not be opened: nothing was promised.
        BOOST_TEST_REQUIRE(told.messages.empty());
    }
    for (const auto loss : {Loss::kAllUnsynced, Loss::kNothingSoFar}) {
        const auto after = disk.after(loss);
        Case failed = c;
        failed.cut_at = fail;
        failed.loss = loss;
        BOOST_TEST_CONTEXT("error " << code)
        report(failed, faults_after_crash(*after, told));
    }
}

// With checkpoints (seeds 5 to 7) and without (4).
BOOST_AUTO_TEST_CASE(every_error_of_some_lives) {
    for (const std::uint64_t seed : {4, 5, 6, 7}) {
        const Case c{seed, 0, Loss::kAllUnsynced, seed % 2 == 0};
        const auto operations = operations_of(c);
        for (const int code : {EIO, ENOSPC}) {
            for (std::uint64_t fail = 1; fail <= operations; ++fail)
                check_error(c, fail, code);
        }
    }
}

BOOST_AUTO_TEST_CASE(random_errors) {
    for (std::uint64_t seed = first_seed(2'000); seed < first_seed(2'000) + seeds(100); ++seed) {
        std::mt19937_64 random(seed);
        const Case c{seed, 0, Loss::kAllUnsynced, random() % 2 == 0, 30};
        check_error(c, 1 + random() % operations_of(c), random() % 2 == 0 ? EIO : ENOSPC);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
