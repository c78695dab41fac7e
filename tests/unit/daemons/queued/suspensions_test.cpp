#include "daemons/queued/suspensions.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/daemons/queued/world.h"

using namespace veredus;
using namespace veredus::queued_test;
using ipc::work::Result;
using queued::Suspensions;

namespace {

constexpr const char* kText = "Subject: hi\r\n\r\nhello\r\n";
constexpr const char* kPutOff = "not tried, for mail to b.example was paused by the administrator";

std::string reply_of(const std::vector<ipc::admin::Row>& rows, mail::QueueId id) {
    for (const auto& row : rows)
        if (row.id == id) return row.recipients.at(0).last_reply;
    return "gone";
}

mail::Pause pause_of(mail::PauseOf of, const std::string& name) {
    return {.of = of, .name = name, .since_us = 0};
}

// The host does not answer: three attempts of one message each.
void let_it_rest(World& world, Worker& relayd) {
    for (int i = 0; i < 3; ++i) {
        world.accept(kText, {"x@b.example"});
        relayd.answer(world.run(relayd.next()), Result::deferred, "4.4.1");
    }
    world.wait_until([](const auto& rows) {
        return std::ranges::all_of(
            rows, [](const auto& row) { return row.recipients.at(0).state == "deferred"; });
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(suspensions)

BOOST_AUTO_TEST_CASE(a_host_that_is_away_is_remembered_for_all_that_waits_for_it) {
    World world;
    const auto relayd = world.relayd();
    let_it_rest(world, *relayd);
    BOOST_TEST(world.logged("b.example cannot be reached"));
    const auto waits = world.accept(kText, {"y@b.example"});
    const auto other = world.accept(kText, {"y@c.example"});
    const auto given = world.run(relayd->next());
    BOOST_TEST((given.job.id == other));
    relayd->answer(given, Result::delivered, "2.0.0");
    const auto rows = world.wait_until(
        [&](const auto& all) { return all.size() == 4 && !reply_of(all, waits).empty(); });
    BOOST_TEST(reply_of(rows, waits) ==
               "not tried, for others could not be delivered there: 450 4.4.1 said the next hop");
    for (const auto& row : rows)
        BOOST_TEST(row.recipients.at(0).attempts == (row.id == waits ? 0U : 1U));

    // One finds out that it is there again; then all go.
    world.advance(std::chrono::minutes(6));
    for (int i = 0; i < 4; ++i)
        relayd->answer(world.run(relayd->next()), Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(an_administrators_retry_does_not_wait_for_a_host_that_rests) {
    World world;
    const auto relayd = world.relayd();
    let_it_rest(world, *relayd);
    const auto waits = world.accept(kText, {"y@b.example"});
    world.wait_until([&](const auto& rows) { return !reply_of(rows, waits).empty(); });
    BOOST_TEST(relayd->forgets == 0);
    BOOST_TEST(world.act(ipc::admin::Verb::retry, waits) == 1U);
    BOOST_TEST((world.run(relayd->next()).job.id == waits));
    BOOST_TEST(relayd->forgets == 1);
}

BOOST_AUTO_TEST_CASE(what_is_paused_waits_and_says_so_also_after_a_restart) {
    auto disk = std::make_unique<spool::FaultDisk>();
    mail::QueueId paused;
    {
        World world(std::move(disk));
        BOOST_TEST(world.pause(pause_of(mail::PauseOf::destination, "b.example")).text == "");
        BOOST_TEST(world.pause(pause_of(mail::PauseOf::destination, "b.example")).text != "");
        const auto relayd = world.relayd();
        paused = world.accept(kText, {"x@b.example"});
        const auto both = world.accept(kText, {"x@b.example", "x@c.example"});
        const auto given = world.run(relayd->next());
        BOOST_TEST((given.job.id == both));
        BOOST_REQUIRE(given.job.recipients.size() == 1U);
        BOOST_TEST(given.job.recipients[0].forward_path == "x@c.example");
        relayd->answer(given, Result::delivered, "2.0.0");
        const auto rows =
            world.wait_until([&](const auto& all) { return !reply_of(all, paused).empty(); });
        BOOST_TEST(reply_of(rows, paused) == kPutOff);
        world.end();
        disk = world.disk->after(spool::FaultDisk::Loss::kAllUnsynced);
    }
    World again(std::move(disk));
    const auto relayd = again.relayd();
    BOOST_TEST(reply_of(again.list(), paused) == kPutOff);
    again.advance(std::chrono::minutes(6));
    const auto other = again.accept(kText, {"x@d.example"});
    const auto given = again.run(relayd->next());
    BOOST_TEST((given.job.id == other));
    relayd->answer(given, Result::delivered, "2.0.0");
    BOOST_TEST(again.resume(pause_of(mail::PauseOf::destination, "b.example")).count == 2U);
    for (int i = 0; i < 2; ++i)
        relayd->answer(again.run(relayd->next()), Result::delivered, "2.0.0");
    again.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(who_is_paused_says_so_while_nobody_has_looked_yet_and_only_as_long_as_he_is) {
    World world;
    const auto relayd = world.relayd();
    const auto id = world.accept(kText, {"x@b.example"});
    relayd->answer(world.run(relayd->next()), Result::deferred, "4.2.0");
    world.wait_until([&](const auto& rows) { return !reply_of(rows, id).empty(); });
    const auto paused = [&] { return world.list().at(0).recipients.at(0).paused; };
    BOOST_TEST(paused() == "");
    world.pause(pause_of(mail::PauseOf::destination, "b.example"));
    BOOST_TEST(paused() == "mail to b.example is paused by the administrator");
    BOOST_TEST(reply_of(world.list(), id) == "450 4.2.0 said the next hop");
    BOOST_TEST(world.resume(pause_of(mail::PauseOf::destination, "b.example")).count == 0U);
    BOOST_TEST(paused() == "");
    world.pause(pause_of(mail::PauseOf::sender, "a.example"));
    BOOST_TEST(paused() == "mail from a.example is paused by the administrator");
}

BOOST_AUTO_TEST_CASE(senders_are_paused_by_address_user_and_domain) {
    Suspensions suspensions;
    queued::Assignment task;
    task.envelope = std::make_shared<spool::Envelope>();
    task.next_hop = "[192.0.2.1]:25";
    spool::Recipient to;
    to.destination = "b.example";
    const auto waits = [&](mail::PauseOf of, const std::string& name) {
        suspensions.set_pauses(queued::Pauses({pause_of(of, name)}));
        return suspensions.of(task, to, 0).has_value();
    };
    using enum mail::PauseOf;
    task.envelope->reverse_path = "Ann@A.example";
    task.envelope->client.auth_user = "ann.user@a.example";
    BOOST_TEST(waits(sender, "ann@a.example"));
    BOOST_TEST(waits(sender, "ann.user@a.example"));
    BOOST_TEST(waits(sender, "a.example"));
    BOOST_TEST(!waits(sender, "example"));
    BOOST_TEST(!waits(sender, ""));
    BOOST_TEST(waits(destination, "b.example"));
    BOOST_TEST(waits(destination, "[192.0.2.1]:25"));
    BOOST_TEST(waits(destination, "192.0.2.1"));
    BOOST_TEST(!waits(destination, "[192.0.2.1]:26"));
    BOOST_TEST(!waits(destination, "192.0.2"));
    BOOST_TEST(!waits(destination, "a.example"));
    task.envelope->reverse_path.clear();
    BOOST_TEST(waits(sender, ""));
}

// A pause is no reason to keep a sender in the dark.
BOOST_AUTO_TEST_CASE(who_sent_what_is_paused_is_told_of_the_delay) {
    World world;
    const auto relayd = world.relayd();
    const auto deliverd = world.deliverd();
    world.pause(pause_of(mail::PauseOf::destination, "b.example"));
    const auto id = world.accept(kText, {"x@b.example"});
    for (int minutes = 0; minutes < 5 * 60; minutes += 10) {
        world.wait_until([&](const auto& rows) { return !reply_of(rows, id).empty(); });
        world.advance(std::chrono::minutes(10));
    }
    const auto notice = world.run(deliverd->next());
    BOOST_TEST(notice.text.contains("paused by the administrator"));
    BOOST_TEST(notice.job.recipients.at(0).forward_path == "alice@a.example");
}

BOOST_AUTO_TEST_SUITE_END()
