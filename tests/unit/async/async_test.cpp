#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/async/blocking.h"
#include "common/async/clock.h"
#include "common/async/loop.h"
#include "common/async/scope.h"
#include "common/async/stop.h"
#include "common/async/time.h"
#include "common/async/wait.h"

using namespace veredus::async;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    FakeClock clock;
    Loop loop{clock};
    Stop stop;

    // Starts `f` in a scope of its own that the fixture waits for at the end.
    Scope scope{loop, stop};
    template <class F, class... A>
    void start(F f, A... a) {
        scope.spawn(std::move(f), std::move(a)...);
        loop.poll();
    }
    ~Fixture() {
        stop.request();
        loop.poll();
        BOOST_TEST(scope.children() == 0U);
    }
};

Task<int> immediately(int value) {
    co_return value;
}

Task<long> sum_of_many(int rounds) {
    long sum = 0;
    for (int i = 0; i < rounds; ++i) {
        const int one = co_await immediately(1);
        sum += one;
    }
    co_return sum;
}

Task<> fails_after(Loop& loop, Stop& stop, Duration pause) {
    co_await sleep_for(loop, pause, stop);
    throw std::runtime_error("failed");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tasks)

BOOST_AUTO_TEST_CASE(awaits_that_end_at_once_cost_no_stack) {
    RealClock clock;
    Loop loop(clock);
    BOOST_TEST(loop.run(sum_of_many(1'000'000)) == 1'000'000);
}

BOOST_AUTO_TEST_CASE(an_exception_passes_through_the_frames) {
    RealClock clock;
    Loop loop(clock);
    const auto inner = []() -> Task<int> {
        throw std::runtime_error("inner");
        co_return 1;
    };
    const auto outer = [&]() -> Task<int> { co_return co_await inner() + 1; };
    BOOST_CHECK_THROW(loop.run(outer()), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_task_never_awaited_never_runs) {
    bool ran = false;
    const auto touch = [&]() -> Task<> {
        ran = true;
        co_return;
    };
    {
        const Task<> unused = touch();
    }
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(who_gives_way_lets_others_hear_what_has_happened) {
    RealClock clock;
    Loop loop(clock);
    Stop stop;
    bool heard = false;
    const auto both = [&](Scope& scope) -> Task<> {
        scope.spawn([&]() -> Task<> {
            co_await blocking(loop, [] {});
            heard = true;
        });
        while (!heard)
            co_await give_way(loop);
    };
    loop.run(with_scope(loop, stop, both));
    BOOST_TEST(heard);
}

BOOST_AUTO_TEST_CASE(blocking_work_runs_elsewhere_and_returns_here) {
    RealClock clock;
    Loop loop(clock);
    const auto here = std::this_thread::get_id();
    const auto work = [&]() -> Task<bool> {
        const auto there = co_await blocking(loop, [] { return std::this_thread::get_id(); });
        co_return there != here&& std::this_thread::get_id() == here;
    };
    BOOST_TEST(loop.run(work()));
    const auto fails = [&]() -> Task<> {
        co_await blocking(loop, [] { throw std::runtime_error("in the pool"); });
    };
    BOOST_CHECK_THROW(loop.run(fails()), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(time_and_stopping, Fixture)

BOOST_AUTO_TEST_CASE(a_fake_clock_starts_where_it_is_told_and_goes_as_far) {
    FakeClock told(1'763'892'540'000'000);
    Loop other(told);
    told.advance(other, 2s);
    BOOST_TEST(told.wall_us() == 1'763'892'542'000'000);
}

BOOST_AUTO_TEST_CASE(the_clock_waits_for_the_thread_pool) {
    std::chrono::hours slept{0};
    start([&]() -> Task<> {
        for (;; slept += 1h) {
            co_await sleep_for(loop, 1h, stop);
            co_await blocking(loop, [] { std::this_thread::sleep_for(1ms); });
        }
    });
    clock.advance(loop, 10h);
    BOOST_TEST(slept.count() == 10);
}

BOOST_AUTO_TEST_CASE(a_sleeper_wakes_when_the_clock_says_so) {
    bool awake = false;
    start([&]() -> Task<> {
        co_await sleep_for(loop, 10s, stop);
        awake = true;
    });
    clock.advance(loop, 9999ms);
    BOOST_TEST(!awake);
    clock.advance(loop, 1ms);
    BOOST_TEST(awake);
}

BOOST_AUTO_TEST_CASE(days_pass_in_order) {
    std::vector<int> woken;
    for (const int hours : {30, 2, 100}) {
        start([&, hours]() -> Task<> {
            co_await sleep_for(loop, std::chrono::hours(hours), stop);
            woken.push_back(hours);
            co_await sleep_for(loop, std::chrono::hours(hours), stop);
            woken.push_back(hours);
        });
    }
    const auto before = clock.wall_us();
    clock.advance(loop, 120h);
    BOOST_TEST(woken.size() == 5U);
    BOOST_TEST(woken.front() == 2);
    BOOST_TEST(woken.back() == 100);
    BOOST_TEST(clock.wall_us() - before == 120LL * 3600 * 1'000'000);
}

BOOST_AUTO_TEST_CASE(a_timeout_reports_after_the_work_has_ended) {
    bool ended = false;
    bool timed_out = false;
    start([&]() -> Task<> {
        const auto work = [&](Stop& s) -> Task<> {
            try {
                co_await sleep_for(loop, 1h, s);
            } catch (const Stopped&) {
                ended = true;
                throw;
            }
        };
        try {
            co_await with_timeout(loop, stop, 5s, work);
        } catch (const TimedOut&) {
            timed_out = ended;
        }
    });
    clock.advance(loop, 5s);
    BOOST_TEST(timed_out);
}

BOOST_AUTO_TEST_CASE(a_stop_is_not_a_timeout) {
    bool stopped = false;
    Stop session(stop);
    start([&]() -> Task<> {
        const auto work = [&](Stop& s) -> Task<> { co_await sleep_for(loop, 1h, s); };
        try {
            co_await with_timeout(loop, session, 5s, work);
        } catch (const Stopped&) {
            stopped = true;
        }
    });
    session.request();
    loop.poll();
    BOOST_TEST(stopped);
}

BOOST_AUTO_TEST_CASE(a_hook_on_a_requested_stop_is_called_at_once) {
    Stop requested;
    requested.request();
    bool called = false;
    const Stop::Hook hook(requested, [&] { called = true; });
    BOOST_TEST(called);
    Stop child(requested);
    BOOST_TEST(child.requested());
}

BOOST_AUTO_TEST_CASE(the_first_child_to_fail_stops_its_siblings) {
    std::string what;
    int stopped = 0;
    start([&]() -> Task<> {
        const auto body = [&](Scope& children) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                children.spawn([&]() -> Task<> {
                    try {
                        co_await sleep_for(loop, 1h, children.stop());
                    } catch (const Stopped&) {
                        ++stopped;
                        throw;
                    }
                });
            }
            children.spawn(fails_after, std::ref(loop), std::ref(children.stop()), Duration(2s));
            co_return;
        };
        try {
            co_await with_scope(loop, stop, body);
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
    });
    clock.advance(loop, 1s);
    BOOST_TEST(stopped == 0);
    clock.advance(loop, 1s);
    BOOST_TEST(stopped == 3);
    BOOST_TEST(what == "failed");
}

BOOST_AUTO_TEST_CASE(a_body_that_its_child_stopped_ends_with_the_childs_error) {
    std::string what;
    start([&]() -> Task<> {
        const auto body = [&](Scope& children) -> Task<> {
            children.spawn(fails_after, std::ref(loop), std::ref(children.stop()), Duration(1s));
            co_await until_stopped(loop, children.stop());
        };
        try {
            co_await with_scope(loop, stop, body);
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
    });
    clock.advance(loop, 1s);
    BOOST_TEST(what == "failed");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(waiting, Fixture)

BOOST_AUTO_TEST_CASE(a_queue_hands_out_in_order_and_a_stopped_reader_leaves_it_whole) {
    Queue<int> queue(loop);
    std::vector<int> got;
    Stop impatient(stop);
    bool left = false;
    start([&]() -> Task<> {
        try {
            const int never = co_await queue.pop(impatient);
            got.push_back(-never);
        } catch (const Stopped&) {
            left = true;
        }
    });
    impatient.request();
    loop.poll();
    BOOST_TEST(left);
    for (const int i : {1, 2, 3})
        queue.push(i);
    start([&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            const int next = co_await queue.pop(stop);
            got.push_back(next);
        }
    });
    BOOST_TEST(got == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_semaphore_lets_in_no_more_than_its_count) {
    Semaphore two(loop, 2);
    int inside = 0;
    int most = 0;
    for (int i = 0; i < 5; ++i) {
        start([&]() -> Task<> {
            const auto permit = co_await two.acquire(stop);
            most = std::max(most, ++inside);
            co_await sleep_for(loop, 1s, stop);
            --inside;
        });
    }
    clock.advance(loop, 2s);
    BOOST_TEST(inside == 1);
    clock.advance(loop, 1s);
    BOOST_TEST(inside == 0);
    BOOST_TEST(most == 2);
}

BOOST_AUTO_TEST_CASE(who_releases_a_semaphore_and_asks_again_stands_behind_who_waits) {
    Semaphore one(loop, 1);
    Stop impatient(stop);
    std::string order;
    start([&]() -> Task<> {
        for (int i = 0; i < 2; ++i) {
            const auto permit = co_await one.acquire(stop);
            order += 'a';
            co_await sleep_for(loop, 1s, stop);
        }
    });
    start([&]() -> Task<> {
        try {
            const auto permit = co_await one.acquire(impatient);
            order += 'x';
        } catch (const Stopped&) {
            order += '-';
        }
    });
    for (const char name : {'b', 'c'}) {
        start([&order, &one, name, this]() -> Task<> {
            const auto permit = co_await one.acquire(stop);
            order += name;
        });
    }
    impatient.request();
    BOOST_TEST(!one.try_acquire().has_value());
    clock.advance(loop, 1s);
    BOOST_TEST(order == "a-bca");
    clock.advance(loop, 1s);
    BOOST_TEST(one.try_acquire().has_value());
}

BOOST_AUTO_TEST_CASE(an_answer_arrives_once) {
    Slot<std::string> slot(loop);
    std::string got;
    start([&]() -> Task<> { got = co_await slot.get(stop); });
    BOOST_TEST(got.empty());
    slot.set("first");
    slot.set("second");
    loop.poll();
    BOOST_TEST(got == "first");
}

BOOST_AUTO_TEST_SUITE_END()
