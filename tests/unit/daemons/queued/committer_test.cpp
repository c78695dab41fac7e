#include "daemons/queued/committer.h"
#include "common/mail/priority.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/async/clock.h"
#include "spool/queue/queue_reader.h"
#include "tests/unit/spool/test_spool.h"

using namespace veredus;
using async::Task;
using spool::ArrivalResult;

namespace {

// Goes on when a test says so, also in the middle of what the loop does.
struct TurnedClock final : async::Clock {
    std::atomic<std::int64_t> wall = spool::kTestNow;
    bool is_waited_for = false;

    async::Time now() const override { return async::Time(std::chrono::microseconds(wall)); }
    std::int64_t wall_us() const override { return wall; }
    bool moves() const override { return is_waited_for; }
};

// A committer at work, whose arrivals and answers the test sees.
struct Committing {
    spool::FaultDisk disk;
    spool::TestSpool spool{disk.root()};
    TurnedClock clock;
    async::Loop loop{clock};
    log::Log log{"queued", log::Format::journal, [](log::Level, std::string_view) {}};
    queued::Committer committer{loop, log, spool.queue, spool.bodies, {}};
    async::Stop stop;
    async::Scope scope{loop, stop};
    std::vector<ArrivalResult> answers;
    std::string order;  // names of what was answered
    bool looked = false;

    Committing() { spool.recover(); }

    std::vector<spool::NewMessage> make(std::size_t count) {
        std::vector<spool::NewMessage> out;
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(spool.make("hello\r\n", {spool::recipient_at("x@b.example")}));
        return out;
    }
    void arrive_as(char name, std::size_t recipients, std::function<void()> then = {}) {
        std::vector<spool::Recipient> to(recipients, spool::recipient_at("x@b.example"));
        auto message = spool.make("hello\r\n", std::move(to));
        if (recipients > mail::kFew) message.envelope.priority = mail::kPriorityOfBulk;
        committer.arrive(
            {std::move(message), [this, name, then = std::move(then)](const auto&, const auto&) {
                 order += name;
                 if (then) then();
             }});
    }
    void settle(mail::QueueId id, bool bulk) {
        committer.settle({.outcomes = {spool::outcome_of(id, 1, spool::RecipientState::kDeferred)},
                          .own = {},
                          .delay_noticed = {},
                          .then = [this] { order += '.'; }},
                         bulk);
    }
    // The disk fails to sync what was last made.
    void lose_body_of(const spool::NewMessage& message) {
        disk.set_plan({.cut_at = {}, .fail_at = disk.operations() + 1, .unreadable_suffix = {}});
        const std::vector file{message.envelope.body.file};
        BOOST_TEST_REQUIRE(spool.bodies.to_sync(file).run() == file);
        spool.start_new_segment();
    }
    void arrive(std::vector<spool::NewMessage> messages) {
        for (auto& message : messages) {
            committer.arrive({std::move(message), [this](const auto& answer, const auto&) {
                                  BOOST_TEST(!answer.disk_full);
                                  answers.push_back(answer.result);
                              }});
        }
    }
    // Until nothing more happens; `look` takes its turn while the first round is being written.
    template <class Look>
    void run(Look look) {
        scope.spawn([this]() -> Task<> { co_await committer.run(stop); });
        scope.spawn([this, look]() -> Task<> {
            co_await committer.with_store(look, stop);
            looked = true;
        });
        loop.poll();
        BOOST_TEST_REQUIRE(looked,
                           "whoever needs the store and the taking back wait for each other");
        stop.request();
        loop.run(scope.join());
    }
};

// As many as one thread writes and syncs at once, and as many as go on beside each other.
void check_that_lost_bodies_leave(std::size_t each) {
    Committing world;
    world.spool.seal(false);
    const auto lost = world.make(each);
    world.lose_body_of(lost[0]);
    const auto sound = world.make(each);

    world.arrive(lost);
    world.arrive(sound);
    world.run([&](spool::QueueStore& queue) {
        for (const auto& message : lost)
            BOOST_TEST(!queue.show(message.envelope.id).has_value());
        for (const auto& message : sound)
            BOOST_TEST(queue.show(message.envelope.id).has_value());
        return true;
    });

    std::vector<ArrivalResult> expected(each, ArrivalResult::kBodyLost);
    expected.resize(2 * each, ArrivalResult::kAccepted);
    BOOST_TEST((world.answers == expected));
    BOOST_TEST(world.committer.tally().totals().messages == each);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(committer)

BOOST_AUTO_TEST_CASE(nobody_sees_a_few_messages_whose_bodies_were_lost) {
    check_that_lost_bodies_leave(2);
}

BOOST_AUTO_TEST_CASE(nobody_sees_many_messages_whose_bodies_were_lost) {
    check_that_lost_bodies_leave(20);
}

// A letter is written before the mailing that waits with it; to the next ones that gives way, eight
// times.
BOOST_AUTO_TEST_CASE(letters_and_mailings_take_turns) {
    Committing world;
    world.spool.seal(false);
    world.arrive_as('M', 1000);
    const std::function<void(char)> one_after_another = [&](char name) {
        world.arrive_as(name, 1, [&one_after_another, name] {
            if (name != 'k') one_after_another(static_cast<char>(name + 1));
        });
    };
    one_after_another('a');
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(world.order == "abcdefghiMjk");
}

// The loop waits for a disk that was quick of late; for a slow one a thread of the pool does.
BOOST_AUTO_TEST_CASE(the_loop_waits_for_quick_disks_alone) {
    int took = 100;  // microseconds
    std::string where;
    std::mutex at_sync;  // two files may be synced at the same time
    Committing world;    // which syncs once more at its end
    world.disk.set_at_sync([&, loops = std::this_thread::get_id()] {
        const std::lock_guard lock(at_sync);
        where += std::this_thread::get_id() == loops ? 'l' : 'p';
        world.clock.wall += std::exchange(took, 100);
    });
    const std::function<void(char)> one_after_another = [&](char name) {
        if (name == 'e') return;
        where += name;
        if (name == 'c') took = 5000;
        world.arrive_as(name, 1, [&one_after_another, name] {
            one_after_another(static_cast<char>(name + 1));
        });
    };
    one_after_another('a');
    world.run([](spool::QueueStore&) { return true; });
    // Each syncs the segment alone.
    BOOST_TEST(where == "apblcldp");
}

// What one batch with a letter costs beside `outcomes` that came before it.
struct BesideOutcomes : Committing {
    int syncs = 0;
    int syncs_of_letter = 0;

    explicit BesideOutcomes(std::size_t outcomes) {
        clock.is_waited_for = true;
        spool.seal(false);  // it waits for its row
        for (std::size_t i = 0; i < outcomes; ++i)
            settle(spool.accept("hello\r\n", {spool::recipient_at("x@b.example")}), false);
        std::mutex at_sync;  // two files may be synced at the same time
        disk.set_at_sync([&] {
            const std::lock_guard lock(at_sync);
            ++syncs;
        });
        arrive_as('a', 1, [this] {
            syncs_of_letter = syncs;
            clock.wall += 5'000;
        });
        run([](spool::QueueStore&) { return true; });
        disk.set_at_sync({});
    }
};

BOOST_AUTO_TEST_CASE(a_letter_does_not_wait_for_the_rows_of_a_few_outcomes) {
    const BesideOutcomes few(31);
    BOOST_TEST(few.syncs_of_letter == 2);
    BOOST_TEST(few.syncs == 3);
    BOOST_TEST(few.order == "a" + std::string(31, '.'));
}

BOOST_AUTO_TEST_CASE(many_outcomes_are_written_with_the_next_letter) {
    const BesideOutcomes many(32);
    BOOST_TEST(many.syncs_of_letter == 2);
    BOOST_TEST(many.syncs == 2);
    BOOST_TEST(many.order == "a" + std::string(32, '.'));
}

// Others write meanwhile, and nothing of that is seen.
BOOST_AUTO_TEST_CASE(who_reads_beside_the_writing_sees_what_was_there) {
    Committing world;
    std::atomic<bool> looks = false;
    std::latch written(1);
    std::size_t seen = 0;
    const auto look = [&](spool::DueReader& reader) {
        looks = true;
        written.wait();
        spool::DueCursor cursor;
        return reader.due(spool::kTestNow, cursor, 10).size();
    };
    world.arrive_as('a', 1);
    world.scope.spawn([&]() -> Task<> {
        co_await world.committer.settled(world.stop);
        seen = co_await world.committer.beside(look, world.stop);
    });
    world.scope.spawn([&]() -> Task<> {
        while (!looks)
            co_await async::give_way(world.loop);
        world.arrive_as('b', 1, [&] { written.count_down(); });
    });
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(world.order == "ab");
    BOOST_TEST(seen == 1U);
}

// Of outcomes no more are written at a time than let a letter through soon.
BOOST_AUTO_TEST_CASE(many_outcomes_are_written_some_at_a_time) {
    Committing world;
    std::vector<mail::QueueId> ids;
    for (int i = 0; i < 1000; ++i)
        ids.push_back(world.spool.accept("hello\r\n", {spool::recipient_at("x@b.example")}));
    for (const auto id : ids)
        world.settle(id, false);
    world.arrive_as('a', 1);
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(world.order.size() == 1001U);
    BOOST_TEST(world.order.find('a') < 200U);
}

// Each kind has its turn, also while there is always one more of the others.
BOOST_AUTO_TEST_CASE(no_kind_waits_for_all_of_another) {
    Committing world;
    for (int i = 0; i < 200; ++i)
        world.settle(world.spool.accept("hello\r\n", {spool::recipient_at("x@b.example")}), true);
    world.arrive_as('M', 1000);
    world.arrive_as('N', 1000);
    world.arrive_as('a', 1, [&world] { world.arrive_as('b', 1); });
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(world.order.size() == 204U);
    BOOST_TEST(world.order.front() == 'a');
    BOOST_TEST(world.order.find('b') <= 1 + 64U);
    BOOST_TEST(world.order.find('N') < world.order.rfind('.'));
}

// Whatever the store is busy with.
BOOST_AUTO_TEST_CASE(a_letter_is_answered_ahead_of_its_row) {
    Committing world;
    std::latch answered(1);
    mail::QueueId id;
    const auto busy = [&](spool::QueueStore&) {
        answered.wait();
        return true;
    };
    const auto see = [&](spool::QueueStore& queue) { return queue.show(id).has_value(); };
    bool seen = false;
    world.scope.spawn([&]() -> Task<> {
        auto message = world.make(1);
        id = message[0].envelope.id;
        world.arrive(std::move(message));
        while (world.answers.empty())
            co_await async::give_way(world.loop);
        answered.count_down();
        seen = co_await world.committer.with_store(see, world.stop);
    });
    world.run(busy);
    BOOST_TEST((world.answers == std::vector{ArrivalResult::kAccepted}));
    BOOST_TEST(seen, "who asks behind the answer does not see the message");
    BOOST_TEST(world.committer.tally().totals().messages == 1U);
}

// Recovery would not find it behind what the database has passed.
BOOST_AUTO_TEST_CASE(no_row_comes_before_that_of_a_letter_ahead_in_its_segment) {
    Committing world;
    bool letter_is_there = false;
    auto letter = world.make(1);
    const auto id = letter[0].envelope.id;
    auto mailing = world.make(1);
    mailing[0].envelope.priority = mail::kPriorityOfBulk;
    world.arrive(std::move(letter));
    world.committer.arrive({std::move(mailing[0]), [&](const auto&, const auto&) {
                                letter_is_there = world.spool.queue.show(id).has_value();
                            }});
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(letter_is_there);
}

BOOST_AUTO_TEST_CASE(what_became_of_a_letter_ahead_comes_with_its_row_or_later) {
    Committing world;
    for (int i = 0; i < 600; ++i) {
        auto message = world.make(1);
        const auto id = message[0].envelope.id;
        world.committer.arrive({std::move(message[0]), [&world, id](const auto&, const auto&) {
                                    world.settle(id, false);
                                }});
    }
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(world.order == std::string(600, '.'));
    for (const auto& message :
         spool::QueueReader(world.spool.queue).list({}, mail::QueueId(), 1000))
        BOOST_TEST((message.recipients.at(0).state == spool::RecipientState::kDeferred));
    BOOST_TEST(world.committer.tally().totals().messages == 600U);
}

BOOST_AUTO_TEST_CASE(of_two_letters_with_one_id_one_is_taken) {
    Committing world;
    auto both = world.make(2);
    both[1].envelope.id = both[0].envelope.id;
    world.arrive(std::move(both));
    world.run([](spool::QueueStore&) { return true; });
    BOOST_TEST(
        (world.answers == std::vector{ArrivalResult::kAccepted, ArrivalResult::kDuplicateId}));
}

BOOST_AUTO_TEST_CASE(a_letter_whose_segment_cannot_be_synced_is_refused) {
    Committing world;
    const auto letter = world.make(1);
    world.disk.set_plan(
        {.cut_at = {}, .fail_at = world.disk.operations() + 1, .unreadable_suffix = {}});
    world.arrive(letter);
    world.run([&](spool::QueueStore& queue) {
        BOOST_TEST(!queue.show(letter[0].envelope.id).has_value());
        return true;
    });
    BOOST_TEST((world.answers == std::vector{ArrivalResult::kBodyLost}));
    BOOST_TEST(world.spool.bodies.segments().open.size() == 1U);
    world.spool.start_new_segment();
    BOOST_TEST(world.spool.bodies.segments().open.empty());
}

BOOST_AUTO_TEST_SUITE_END()
