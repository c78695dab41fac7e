#include "daemons/queued/failures.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/daemons/queued/world.h"

using namespace veredus;
using namespace veredus::queued_test;
using ipc::work::Result;

namespace {

constexpr const char* kText = "Subject: hi\r\n\r\nhello\r\n";

// A message to two hosts, both of which are at it.
struct TwoHosts {
    TwoHosts() {
        id = world.accept(kText, {"x@b.example", "y@c.example"});
        for (auto* job : {&b, &c})
            *job = world.run(relayd->next());
    }
    std::string state_of(std::size_t recipient) {
        return world.list().at(0).recipients.at(recipient).state;
    }
    // The first failed, and there is no notification yet.
    void until_it_is_kept() {
        const auto rows = world.wait_until(
            [](const auto& all) { return all.at(0).recipients.at(0).state == "failed"; });
        BOOST_TEST(rows.size() == 1U);
    }
    // What the sender is told next.
    std::string told() { return world.run(deliverd->next()).text; }

    World world;
    std::unique_ptr<Worker> relayd = world.relayd();
    std::unique_ptr<Worker> deliverd = world.deliverd();
    mail::QueueId id;
    GivenJob b, c;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(failures, TwoHosts)

BOOST_AUTO_TEST_CASE(the_sender_is_told_once_of_those_that_fail_together) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    relayd->answer(c, Result::failed, "5.2.1");
    const auto text = told();
    BOOST_TEST(text.contains("could not be delivered to the 2 recipients below"));
    BOOST_TEST((text.contains("<x@b.example>: 5.1.1") && text.contains("<y@c.example>: 5.2.1")));
}

// Also while the sender is not told yet, and the disk does not know.
BOOST_AUTO_TEST_CASE(each_recipient_shows_what_becomes_of_him) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    const auto row = world.list().at(0);
    const auto& [failed, tried] = std::tie(row.recipients.at(0), row.recipients.at(1));
    BOOST_TEST((failed.state == "failed" && failed.finished && !failed.tried_now));
    BOOST_TEST((failed.attempts == 1U && failed.last_reply.contains("5.1.1")));
    BOOST_REQUIRE(row.history.size() == 1U);
    BOOST_TEST(row.history[0].address == "x@b.example");
    BOOST_TEST((tried.state == "ready" && !tried.finished && tried.tried_now));
    BOOST_TEST(row.state == "active");
}

BOOST_AUTO_TEST_CASE(who_waits_for_his_next_attempt_holds_up_nobody) {
    relayd->answer(b, Result::failed, "5.1.1");
    relayd->answer(c, Result::deferred, "4.2.0");
    BOOST_TEST(told().contains("Your message to x@b.example could not be delivered"));
    BOOST_TEST(state_of(0) == "failed");
    BOOST_TEST(state_of(1) == "deferred");
}

BOOST_AUTO_TEST_CASE(a_slow_host_holds_up_nobody_for_long) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    world.advance(queued::Failures::kLongest);
    BOOST_TEST(told().contains("Your message to x@b.example could not be delivered"));
    relayd->answer(c, Result::failed, "5.2.1");
    BOOST_TEST(told().contains("Your message to y@c.example could not be delivered"));
}

BOOST_AUTO_TEST_CASE(a_worker_that_goes_away_is_not_waited_for) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    relayd = nullptr;
    BOOST_TEST(told().contains("Your message to x@b.example could not be delivered"));
}

BOOST_AUTO_TEST_CASE(what_arrives_meanwhile_is_settled_at_once) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    relayd->answer(c, Result::delivered, "2.0.0");
    BOOST_TEST(told().contains("Your message to x@b.example could not be delivered"));
    world.wait_until([&](const auto& rows) {
        return std::ranges::none_of(rows, [&](const auto& row) { return row.id == id; });
    });
}

// The administrator's word comes first, and the sender hears no other.
BOOST_AUTO_TEST_CASE(what_is_deleted_meanwhile_is_told_of_to_nobody) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    BOOST_TEST(world.act(ipc::admin::Verb::remove, id) == 1U);
    relayd->answer(c, Result::failed, "5.2.1");
    world.advance(queued::Failures::kLongest);
    world.wait_until_empty();
    const auto other = world.accept(kText, {"bob@a.example"});
    BOOST_CHECK(world.run(deliverd->next()).job.id == other);
}

BOOST_AUTO_TEST_CASE(one_that_is_returned_meanwhile_is_told_of_once) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    BOOST_TEST(world.act(ipc::admin::Verb::bounce, id) == 1U);
    BOOST_TEST(told().contains("could not be delivered to the 2 recipients below"));
    relayd->answer(c, Result::failed, "5.2.1");
    world.advance(queued::Failures::kLongest);
    const auto other = world.accept(kText, {"bob@a.example"});
    BOOST_CHECK(world.run(deliverd->next()).job.id == other);
}

// A crash costs an attempt more.
BOOST_AUTO_TEST_CASE(until_then_the_disk_takes_them_for_untried) {
    relayd->answer(b, Result::failed, "5.1.1");
    until_it_is_kept();
    World again(world.disk->after(spool::FaultDisk::Loss::kAllUnsynced),
                id.arrival_us() + 1'000'000);
    const auto other = again.relayd();
    const auto first = again.run(other->next());
    const auto second = again.run(other->next());
    BOOST_TEST((first.job.next_hop == "b.example" || second.job.next_hop == "b.example"));
}

BOOST_AUTO_TEST_CASE(who_is_being_settled_counts_as_failed_until_it_is_on_disk) {
    queued::Failures failures;
    const auto keep = [&](std::uint64_t message, std::uint32_t recipient) {
        queued::Assignment heard;
        heard.envelope = std::make_shared<spool::Envelope>();
        heard.envelope->id = mail::QueueId(message);
        heard.recipients.emplace_back().number = recipient;
        queued::Verdicts verdicts;
        verdicts.outcomes.push_back({.message = heard.envelope->id,
                                     .recipient = recipient,
                                     .state = spool::RecipientState::kFailed});
        verdicts.failed.emplace_back();
        failures.keep(heard, verdicts, {});
    };
    const auto shown = [&] {
        std::vector<std::uint64_t> messages;
        for (const auto& outcome : failures.outcomes({}))
            messages.push_back(outcome.message.value());
        return messages;
    };
    using Messages = std::vector<std::uint64_t>;
    keep(1, 1);
    keep(2, 1);
    BOOST_TEST(failures.take(mail::QueueId(1)).has_value());
    BOOST_TEST(shown() == (Messages{1, 2}));
    keep(1, 2);
    BOOST_TEST(shown() == (Messages{1, 1, 2}));
    failures.on_disk(mail::QueueId(1));
    failures.on_disk(mail::QueueId(7));
    BOOST_TEST(shown() == (Messages{1, 2}));
}

BOOST_AUTO_TEST_SUITE_END()
