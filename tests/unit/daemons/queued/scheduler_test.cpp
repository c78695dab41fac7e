#include <boost/test/unit_test.hpp>

#include "common/mail/address.h"
#include "common/mail/priority.h"
#include "daemons/queued/retry.h"
#include "daemons/queued/router.h"
#include "daemons/queued/scheduler.h"
#include "daemons/queued/watch.h"

using namespace veredus;
using namespace veredus::queued;
namespace tt = boost::test_tools;

namespace {

config::Config configuration() {
    auto config = config::Config::parse(
        "hostname = \"mx.a.example\"\n"
        "domains = [\"a.example\"]\n"
        "[routes]\n"
        "\"peer.example\" = \"[127.0.0.1]:2525\"\n");
    BOOST_REQUIRE(config.has_value());
    return *config;
}

struct Fixture {
    config::Config config = configuration();
    Scheduler scheduler;
    std::string sender = "news@lists.example";  // of what is added
    std::int32_t priority = 0;
    async::Time now{std::chrono::hours(1)};

    std::shared_ptr<spool::Envelope> message(std::uint64_t id) {
        auto envelope = std::make_shared<spool::Envelope>();
        envelope->id = mail::QueueId(id);
        envelope->reverse_path = sender;
        envelope->priority = priority;
        return envelope;
    }
    static spool::Recipient to(std::uint32_t number, const std::string& address) {
        spool::Recipient out;
        out.number = number;
        out.address = address;
        out.destination = mail::domain_of(address);
        return out;
    }
    bool add(std::uint64_t id, std::vector<spool::Recipient> recipients) {
        return scheduler.add(config, message(id), std::move(recipients), 0) ==
               Scheduler::Added::kYes;
    }
    std::optional<Assignment> next(Worker worker) { return scheduler.next(worker, now); }
    std::uint64_t next_id(Worker worker = Worker::relayd) {
        const auto task = next(worker);
        return task ? task->envelope->id.value() : 0;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(scheduling, Fixture)

BOOST_AUTO_TEST_CASE(recipients_of_one_next_hop_go_together) {
    add(1,
        {to(1, "x@b.example"), to(2, "y@B.example"), to(3, "u@a.example"), to(4, "z@c.example")});
    const auto first = next(Worker::relayd);
    BOOST_REQUIRE(first);
    BOOST_TEST(first->next_hop == "b.example");
    BOOST_TEST(first->recipients.size() == 2U);
    BOOST_TEST(next(Worker::relayd)->next_hop == "c.example");
    BOOST_TEST(!next(Worker::relayd));
    BOOST_TEST(next(Worker::deliverd)->recipients.at(0).number == 3U);
}

BOOST_AUTO_TEST_CASE(a_mailing_to_one_host_holds_up_nobody_else) {
    for (std::uint64_t id = 1; id <= 100; ++id)
        add(id, {to(1, "x@busy.example")});
    add(101, {to(1, "x@other.example")});
    BOOST_TEST(next_id() == 1U);
    BOOST_TEST(next_id() == 101U);
    BOOST_TEST(next_id() == 2U);
}

BOOST_AUTO_TEST_CASE(a_destination_grows_by_success_and_shrinks_by_failure) {
    for (std::uint64_t id = 1; id <= 100; ++id)
        add(id, {to(1, "x@b.example")});
    std::vector<Assignment> active;
    const auto take_all = [&] {
        while (auto task = next(Worker::relayd))
            active.push_back(std::move(*task));
    };
    take_all();
    BOOST_TEST(active.size() == Scheduler::kFirstJobs);
    scheduler.finished(active.back(), Scheduler::End::kReached);
    active.pop_back();
    take_all();
    BOOST_TEST(active.size() == Scheduler::kFirstJobs + 1);
    scheduler.finished(active.back(),
                       Scheduler::End::kNotReached);  // 6 → 3: nothing more until three are left
    active.pop_back();
    take_all();
    BOOST_TEST(active.size() == Scheduler::kFirstJobs);
    while (active.size() > 2) {
        scheduler.finished(active.back(), Scheduler::End::kNotReached);
        active.pop_back();
    }
    while (!active.empty()) {
        scheduler.finished(active.back(), Scheduler::End::kNotReached);
        active.pop_back();
    }
    take_all();
    BOOST_TEST(active.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_known_is_not_added_again_until_it_is_forgotten) {
    add(1, {to(1, "x@b.example")});
    add(1, {to(1, "x@b.example")});
    BOOST_TEST(scheduler.recipients() == 1U);
    BOOST_TEST(next_id() == 1U);
    BOOST_TEST(next_id() == 0U);
    BOOST_TEST(scheduler.knows(mail::QueueId(1), 1));
    scheduler.forget(mail::QueueId(1), 1);
    BOOST_TEST(!scheduler.knows(mail::QueueId(1), 1));
    BOOST_TEST(scheduler.recipients() == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_lost_worker_had_goes_first) {
    add(1, {to(1, "x@b.example")});
    add(2, {to(1, "x@b.example")});
    auto task = next(Worker::relayd);
    scheduler.give_back(std::move(*task));
    BOOST_TEST(next_id() == 1U);
    BOOST_TEST(next_id() == 2U);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_dropped_is_not_handed_out) {
    add(1, {to(1, "x@b.example"), to(2, "x@c.example")});
    add(2, {to(1, "x@b.example")});
    const mail::QueueId one(1);
    scheduler.drop({&one, 1});
    BOOST_TEST(next_id() == 2U);
    BOOST_TEST(next_id() == 0U);
    BOOST_TEST(scheduler.recipients() == 1U);
}

BOOST_AUTO_TEST_CASE(a_mailing_to_many_hosts_lets_a_letter_to_another_pass) {
    for (std::uint64_t id = 1; id <= 100; ++id) {
        add(id, {to(1, "x@" + std::to_string(id) + ".example"),
                 to(2, "x@b" + std::to_string(id) + ".example")});
        add(1000 + id, {to(1, "y@" + std::to_string(id) + ".example")});
    }
    std::vector<Assignment> active;
    for (int i = 0; i < 200; ++i)
        active.push_back(*next(Worker::relayd));  // each has had its first turn
    add(5000, {to(1, "x@other.example")});
    add(5001, {to(1, "y@other.example")});
    BOOST_TEST(next_id() == 5000U);
    BOOST_TEST(next_id() < 5000U);  // and the second like anybody's
}

BOOST_AUTO_TEST_CASE(a_busy_sender_holds_up_nobody_elses_mail_to_the_same_host) {
    for (std::uint64_t id = 1; id <= 100; ++id) {
        sender = "bounce-" + std::to_string(id) + "@lists.example";  // VERP
        add(id, {to(1, "x@b.example")});
    }
    sender = "ann@a.example";
    add(101, {to(1, "x@b.example")});
    add(102, {to(1, "x@b.example")});
    BOOST_TEST(next_id() == 1U);
    BOOST_TEST(next_id() == 101U);
    BOOST_TEST(next_id() == 2U);
    BOOST_TEST(next_id() == 102U);
    BOOST_TEST(next_id() == 3U);
}

BOOST_AUTO_TEST_CASE(a_message_to_many_lets_its_senders_next_one_pass) {
    std::vector<spool::Recipient> many;
    for (std::uint32_t i = 1; i <= 1000; ++i)
        many.push_back(to(i, "x@b.example"));
    add(1, std::move(many));
    add(2, {to(1, "x@b.example")});
    BOOST_TEST(next_id() == 1U);
    BOOST_TEST(next_id() == 2U);
    BOOST_TEST(next_id() == 1U);
}

BOOST_AUTO_TEST_CASE(the_more_urgent_goes_first_and_nobody_waits_for_ever) {
    priority = -1;
    for (std::uint64_t id = 1; id <= 20; ++id)
        add(id, {to(1, "x@b.example")});
    priority = 1;
    for (std::uint64_t id = 101; id <= 120; ++id)
        add(id, {to(1, "x@b.example")});
    std::size_t urgent = 0;
    std::size_t bulk = 0;
    for (int i = 0; i < 16; ++i) {
        auto task = next(Worker::relayd);
        BOOST_REQUIRE(task);
        ++(task->envelope->priority > 0 ? urgent : bulk);
        scheduler.finished(*task, Scheduler::End::kReached);
    }
    BOOST_TEST(urgent == 14U);
    BOOST_TEST(bulk == 2U);
}

BOOST_AUTO_TEST_CASE(what_comes_back_is_the_next_of_its_kind) {
    priority = -1;
    add(1, {to(1, "x@b.example")});
    add(2, {to(1, "x@b.example")});
    auto task = next(Worker::relayd);
    priority = 0;
    add(3, {to(1, "x@b.example")});
    scheduler.give_back(std::move(*task));
    BOOST_TEST(next_id() == 3U);
    BOOST_TEST(next_id() == 1U);
    BOOST_TEST(next_id() == 2U);
}

// Both destinations had nothing to do until now.
BOOST_AUTO_TEST_CASE(a_letter_to_a_new_destination_goes_before_a_mailing_to_new_ones) {
    priority = -1;
    for (std::uint64_t id = 1; id <= 5; ++id)
        add(id, {to(1, "x@m" + std::to_string(id) + ".example")});
    priority = 0;
    BOOST_CHECK(scheduler.coming(Worker::relayd) == Scheduler::Coming::kBulk);
    add(6, {to(1, "x@b.example")});
    BOOST_CHECK(scheduler.coming(Worker::relayd) == Scheduler::Coming::kFirst);
    BOOST_TEST(next_id() == 6U);
    BOOST_CHECK(scheduler.coming(Worker::relayd) == Scheduler::Coming::kBulk);
    BOOST_TEST(next_id() == 1U);
    add(7, {to(1, "x@m2.example")});  // where one of the mailing waits already
    BOOST_CHECK(scheduler.coming(Worker::relayd) == Scheduler::Coming::kLetter);
    BOOST_TEST(next_id() == 7U);
}

BOOST_AUTO_TEST_CASE(memory_has_an_end) {
    const auto fill = [&](std::uint64_t id, std::size_t recipients) {
        std::vector<spool::Recipient> many;
        for (std::uint32_t i = 1; i <= recipients; ++i)
            many.push_back(to(i, "x@b" + std::to_string(id) + ".example"));
        return add(id, std::move(many));
    };
    BOOST_TEST(fill(1, Scheduler::kShare));
    BOOST_TEST(scheduler.wants_more());
    BOOST_TEST(!fill(2, 1));  // he has enough, others have not
    for (std::uint64_t id = 3; scheduler.wants_more(); ++id) {
        sender = std::to_string(id) + "@" + std::to_string(id) + ".example";
        BOOST_TEST(fill(id, Scheduler::kShare));
    }
    sender = "new@c.example";
    BOOST_TEST(fill(100, Scheduler::kShare));  // arrivals still are taken
    sender = "newer@d.example";
    BOOST_TEST(!fill(101, 1));
}

BOOST_AUTO_TEST_CASE(a_mailing_leaves_room_for_its_senders_letters) {
    priority = mail::kPriorityOfBulk;
    std::vector<spool::Recipient> many;
    for (std::uint32_t i = 1; i <= Scheduler::kShare; ++i)
        many.push_back(to(i, "x@b.example"));
    BOOST_TEST(add(1, std::move(many)));
    BOOST_TEST(!add(2, {to(1, "x@c.example")}));
    priority = 0;
    BOOST_TEST(add(3, {to(1, "x@c.example")}));
    BOOST_TEST(add(4, {to(1, "x@b.example")}));
    BOOST_TEST(next_id() == 3U);  // its destination has nothing else to do
    BOOST_TEST(next_id() == 4U);
}

BOOST_AUTO_TEST_CASE(who_had_enough_is_hungry_when_half_has_gone) {
    std::vector<spool::Recipient> many;
    for (std::uint32_t i = 1; i <= Scheduler::kShare; ++i)
        many.push_back(to(i, "x@b.example"));
    add(1, std::move(many));
    BOOST_TEST(!scheduler.hungry());
    BOOST_TEST(!add(2, {to(1, "x@b.example")}));
    const auto half = static_cast<std::uint32_t>(Scheduler::kShare / 2);
    for (std::uint32_t i = 1; i <= half; ++i)
        scheduler.forget(mail::QueueId(1), i);
    BOOST_TEST(!scheduler.hungry());
    scheduler.forget(mail::QueueId(1), half + 1);
    BOOST_TEST(scheduler.hungry());
    BOOST_TEST(add(2, {to(1, "x@b.example")}));
    BOOST_TEST(scheduler.hungry());
    scheduler.fed();
    BOOST_TEST(!scheduler.hungry());
}

BOOST_AUTO_TEST_CASE(a_next_hop_does_not_fill_the_memory) {
    const auto fill = [&](std::uint64_t id, std::size_t recipients) {
        sender = std::to_string(id) + "@" + std::to_string(id) + ".example";
        std::vector<spool::Recipient> many;
        for (std::uint32_t i = 1; i <= recipients; ++i)
            many.push_back(to(i, "x@b.example"));
        return add(id, std::move(many));
    };
    constexpr auto kSome = Scheduler::kShare / 5;
    for (std::uint64_t id = 1; id <= 4; ++id)
        BOOST_TEST(fill(id, kSome));
    BOOST_TEST(!fill(5, 2 * kSome));
    BOOST_TEST(scheduler.recipients() == Scheduler::kShare);
    BOOST_TEST(fill(6, 1));  // a letter of somebody else
    for (std::uint64_t id = 7; scheduler.recipients() < 2 * Scheduler::kShare; ++id)
        fill(id, Scheduler::kFew);
    BOOST_TEST(!fill(1000, 1));
    BOOST_TEST(add(1001, {to(1, "x@c.example")}));
    // Half of it gone, there is room for what was left out, and for that alone.
    const auto rest = scheduler.recipients() - Scheduler::kShare / 2 + 1;
    std::size_t gone = 0;
    for (std::uint64_t id = 1; id < 1000; ++id) {
        for (std::uint32_t i = 1; i <= 2 * kSome && gone < rest; ++i) {
            if (!scheduler.knows(mail::QueueId(id), i)) continue;
            scheduler.forget(mail::QueueId(id), i);
            ++gone;
        }
    }
    BOOST_TEST(scheduler.hungry());
    scheduler.fed();
    BOOST_TEST(!scheduler.hungry());
}

BOOST_AUTO_TEST_CASE(many_messages_are_dropped_at_once) {
    std::vector<mail::QueueId> ids;
    for (std::uint64_t id = 1; id <= 50; ++id) {
        sender = std::to_string(id % 3) + "@" + std::to_string(id % 3) + ".example";
        add(id, {to(1, "x@b.example"), to(2, "x@" + std::to_string(id % 7) + ".example")});
        if (id % 2 == 0) ids.emplace_back(id);
    }
    scheduler.drop(ids);
    BOOST_TEST(scheduler.recipients() == 50U);
    for (std::size_t i = 0; i < 50; ++i) {
        const auto task = next(Worker::relayd);
        BOOST_REQUIRE(task);
        BOOST_TEST(task->envelope->id.value() % 2 == 1);
        scheduler.finished(*task, Scheduler::End::kNotTried);
    }
    BOOST_TEST(next_id() == 0U);
}

BOOST_AUTO_TEST_CASE(the_watchdog_tells_what_nobody_has_from_what_waits_for_room) {
    add(1, {to(1, "x@b.example"), to(2, "y@b.example")});
    std::vector<spool::Due> due;
    for (const auto& [id, number] : {std::pair{1U, 1U}, {1U, 2U}, {1U, 3U}, {2U, 1U}}) {
        due.push_back({mail::QueueId(id), to(number, "x@b.example")});
        due.back().recipient.next_attempt_us = 10;
    }
    const auto all = forgotten(due, scheduler, std::nullopt);
    BOOST_REQUIRE(all.size() == 2U);
    BOOST_TEST(all[0].recipient.number == 3U);
    BOOST_TEST((all[1].message == mail::QueueId(2)));
    const auto some = forgotten(due, scheduler, spool::DueCursor{10, 1, 3});
    BOOST_REQUIRE(some.size() == 1U);
    BOOST_TEST(some[0].recipient.number == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(addresses_find_their_way) {
    auto config = configuration();
    BOOST_TEST(mail::domain_of("a@B.Example") == "b.example");
    BOOST_TEST(mail::domain_of("postmaster") == "");
    BOOST_TEST((route_for(config, "a.example").worker == Worker::deliverd));
    BOOST_TEST((route_for(config, "").worker == Worker::deliverd));
    BOOST_TEST(route_for(config, "peer.example").next_hop == "[127.0.0.1]:2525");
    BOOST_TEST(route_for(config, "b.example").next_hop == "b.example");
    config.relay.smarthost = config::NextHop::parse("[smart.example]:587").value();
    BOOST_TEST(route_for(config, "b.example").next_hop == "[smart.example]:587");
    BOOST_TEST(route_for(config, "peer.example").next_hop == "[127.0.0.1]:2525");
}

BOOST_AUTO_TEST_CASE(pauses_grow_up_to_their_limit_and_differ_by_a_tenth) {
    config::Config::Queue settings;
    settings.retry_first = std::chrono::minutes(5);
    settings.retry_max = std::chrono::hours(4);
    constexpr std::int64_t kMinute = 60'000'000;
    const auto pause = [&](std::uint32_t attempts, std::uint16_t random) {
        return next_attempt_us(settings, attempts, 1000, random) - 1000;
    };
    BOOST_TEST(pause(1, 0) == 5 * kMinute * 9 / 10);
    BOOST_TEST(pause(1, 0xFFFF) == 5 * kMinute * 11 / 10);
    BOOST_TEST(pause(2, 0) == 10 * kMinute * 9 / 10);
    BOOST_TEST(pause(6, 0) == 160 * kMinute * 9 / 10);
    BOOST_TEST(pause(7, 0) == 240 * kMinute * 9 / 10);
    BOOST_TEST(pause(4'000'000'000U, 0xFFFF) == 240 * kMinute * 11 / 10);
}
