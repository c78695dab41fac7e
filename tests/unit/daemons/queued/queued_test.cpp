#include <boost/test/unit_test.hpp>

#include "tests/unit/daemons/queued/world.h"

namespace veredus::queued_test {
namespace {

using ipc::admin::Verb;
using ipc::work::Result;

constexpr const char* kText = "Subject: a\r\n\r\nhello\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(queued_daemon)

BOOST_AUTO_TEST_CASE(a_message_goes_to_its_next_hop_and_is_forgotten) {
    World world;
    const auto id = world.accept(kText, {"x@b.example", "y@b.example", "z@c.example"});
    const auto relayd = world.relayd();
    const auto first = world.run(relayd->next());
    BOOST_CHECK(first.job.id == id);
    BOOST_TEST(first.text == kText);
    BOOST_TEST(first.job.next_hop == "b.example");
    BOOST_TEST(first.job.reverse_path == "alice@a.example");
    BOOST_TEST_REQUIRE(first.job.recipients.size() == 2U);
    BOOST_TEST(first.job.recipients[1].forward_path == "y@b.example");
    const auto second = world.run(relayd->next());
    BOOST_TEST(second.job.next_hop == "c.example");
    BOOST_TEST(world.list().at(0).state == "active");
    relayd->answer(first, Result::delivered, "2.0.0");
    relayd->answer(second, Result::delivered, "2.0.0");
    world.wait_until_empty();
    BOOST_TEST(world.logged(id.text() + ": from=<alice@a.example>, size=21, nrcpt=3"));
    BOOST_TEST(world.logged(id.text() + ": removed"));
    BOOST_CHECK(world.end() == nullptr);
}

BOOST_AUTO_TEST_CASE(messages_that_go_out_together_share_a_file_and_local_ones_never) {
    World world;
    const std::string other = "Subject: b\r\n\r\nhow are you\r\n";
    for (const auto* domain : {"b.example", "c.example", "a.example"}) {
        world.accept(kText, {std::string("x@") + domain});
        world.accept(other, {std::string("y@") + domain});
    }
    std::set<std::uint64_t> offsets;
    const auto relayd = world.relayd();
    for (int i = 0; i < 4; ++i) {
        const auto given = world.run(relayd->next());
        BOOST_TEST(given.text ==
                   (given.job.recipients.at(0).forward_path[0] == 'x' ? kText : other));
        offsets.insert(given.job.body.offset);
    }
    BOOST_TEST(offsets.size() == 4U);
    const auto deliverd = world.deliverd();
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(world.run(deliverd->next()).job.body.offset == 0U);
}

BOOST_AUTO_TEST_CASE(local_mail_goes_to_deliverd_alone) {
    World world;
    world.accept(kText, {"u@a.example"});
    const auto deliverd = world.deliverd();
    const auto given = world.run(deliverd->next());
    BOOST_TEST(given.job.next_hop == "a.example");
    deliverd->answer(given, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

// The large one finds no room in what is left of the segment, the small one would.
BOOST_AUTO_TEST_CASE(a_segment_that_is_full_for_one_is_full_for_all) {
    World world;
    const std::string text = "Subject: a\r\n\r\n" + std::string(250'000, 'x') + "\r\n";
    for (int i = 0; i < 67; ++i)
        world.accept(text, {"x@b.example"});
    BOOST_TEST(world.disk->root().open_directory("body")->list().size() == 1U);
    BOOST_TEST(world.submit_together({text, kText, text, kText}) == 4U);
    BOOST_TEST(world.disk->root().open_directory("body")->list().size() == 2U);
    BOOST_TEST(!world.logged("broke the protocol"));
}

BOOST_AUTO_TEST_CASE(a_large_message_is_shown_whole) {
    World world;
    const std::string text = "Subject: large\r\n\r\n" + std::string(1'000'000, 'x') + "\r\n";
    world.accept(text, {"x@b.example"});
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    BOOST_TEST((given.text == text));
    relayd->answer(given, Result::delivered, "2.0.0");
    world.wait_until_empty();
    BOOST_TEST(world.bytes_in_bodies() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_deferred_is_tried_again_after_a_growing_pause) {
    World world;
    world.accept(kText, {"x@b.example", "y@b.example"});
    const auto relayd = world.relayd();
    relayd->answer(world.run(relayd->next()), Result::deferred, "4.2.1");
    const auto is_deferred = [](const auto& rows) {
        return rows.at(0).recipients.at(0).state == "deferred";
    };
    const auto rows = world.wait_until(is_deferred);
    BOOST_TEST(rows[0].recipients[0].attempts == 1U);
    BOOST_TEST(rows[0].recipients[0].last_reply.ends_with("said the next hop"));
    BOOST_TEST(rows[0].recipients[0].next_attempt_us == rows[0].recipients[1].next_attempt_us);
    BOOST_TEST(rows[0].history.size() == 2U);
    world.advance(kMinute * 4);
    BOOST_TEST(world.list().at(0).state == "queued");
    world.advance(kMinute * 2);
    const auto again = world.run(relayd->next());
    BOOST_TEST(again.job.recipients.size() == 2U);
    relayd->answer(again, Result::deferred, "4.2.1");
    world.wait_until([](const auto& r) { return r.at(0).recipients.at(0).attempts == 2; });
    world.advance(kMinute * 8);
    BOOST_TEST(world.list().at(0).state == "queued");
    world.advance(kMinute * 4);
    relayd->answer(world.run(relayd->next()), Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(what_a_lost_worker_had_is_due_at_once) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    auto relayd = world.relayd();
    world.run(relayd->next());
    relayd = nullptr;
    relayd = world.relayd();
    const auto again = world.run(relayd->next());
    BOOST_CHECK(again.job.id == id);
    relayd->answer(again, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(recipients_may_be_answered_in_several_parts) {
    World world;
    world.accept(kText, {"x@b.example", "y@b.example"});
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    ipc::work::Outcome outcome;
    outcome.recipient = 2;
    outcome.result = Result::delivered;
    relayd->answer({given.job.job, {outcome}});
    const auto rows = world.wait_until([](const auto& r) { return r[0].recipients[1].finished; });
    BOOST_TEST(rows[0].recipients[0].state == "ready");
    BOOST_TEST(!rows[0].recipients[0].finished);
    BOOST_TEST(rows[0].state == "active");
    outcome.recipient = 1;
    relayd->answer({given.job.job, {outcome}});
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(a_worker_that_makes_things_up_is_cut_off) {
    World world;
    world.accept(kText, {"x@b.example"});
    auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    ipc::work::Outcome outcome;
    outcome.recipient = 9;
    outcome.result = Result::delivered;
    relayd->answer({given.job.job, {outcome}});
    const auto another = world.relayd();
    another->answer(world.run(another->next()), Result::delivered, "2.0.0");
    world.wait_until_empty();
    BOOST_TEST(world.logged("broke the protocol"));
}

BOOST_AUTO_TEST_CASE(what_fails_is_told_to_its_sender) {
    World world;
    const auto id = world.accept(kText, {"x@b.example", "y@b.example"});
    const auto relayd = world.relayd();
    const auto deliverd = world.deliverd();
    relayd->answer(world.run(relayd->next()), Result::failed, "5.1.1");
    const auto bounce = world.run(deliverd->next());
    BOOST_TEST(bounce.job.reverse_path.empty());
    BOOST_TEST_REQUIRE(bounce.job.recipients.size() == 1U);
    BOOST_TEST(bounce.job.recipients[0].forward_path == "alice@a.example");
    BOOST_TEST(bounce.text.contains("multipart/report"));
    BOOST_TEST(bounce.text.contains("Final-Recipient: rfc822; x@b.example"));
    BOOST_TEST(bounce.text.contains("Final-Recipient: rfc822; y@b.example"));
    BOOST_TEST(bounce.text.contains("Status: 5.1.1"));
    BOOST_TEST(bounce.text.contains("Remote-MTA: dns; mx.b.example"));
    BOOST_TEST(bounce.text.contains("Diagnostic-Code: smtp; 550 5.1.1 said the next hop"));
    BOOST_TEST(bounce.text.contains("Subject: a\r\n"));
    BOOST_TEST(world.logged(id.text() + ": sender notification: " + bounce.job.id.text()));
    deliverd->answer(bounce, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(notify_is_honoured) {
    World world;
    const auto relayd = world.relayd();
    world.accept(kText, {"x@b.example"}, "alice@a.example", mail::kNotifyNever);
    relayd->answer(world.run(relayd->next()), Result::failed, "5.1.1");
    world.wait_until_empty();
    BOOST_TEST(!world.logged("sender notification"));
    world.accept(kText, {"x@b.example"}, "alice@a.example", mail::kNotifySuccess);
    relayd->answer(world.run(relayd->next()), Result::failed, "5.1.1");
    world.wait_until_empty();
    BOOST_TEST(!world.logged("sender notification"));
    world.accept(kText, {"x@b.example"}, "alice@a.example", mail::kNotifySuccess);
    relayd->answer(world.run(relayd->next()), Result::delivered, "2.0.0");
    const auto deliverd = world.deliverd();
    const auto told = world.run(deliverd->next());
    BOOST_TEST(told.text.contains("Action: relayed"));
}

BOOST_AUTO_TEST_CASE(of_a_notification_the_postmaster_is_told_and_of_that_nobody) {
    World world;
    const auto relayd = world.relayd();
    const auto deliverd = world.deliverd();
    world.accept(kText, {"x@b.example"}, "");
    relayd->answer(world.run(relayd->next()), Result::failed, "5.1.1");
    const auto told = world.run(deliverd->next());
    BOOST_TEST(told.job.recipients.at(0).forward_path == "postmaster@a.example");
    deliverd->answer(told, Result::failed, "5.1.1");
    world.wait_until_empty();
    BOOST_TEST(world.logged(told.job.id.text() + ": it tells the postmaster"));
}

BOOST_AUTO_TEST_CASE(what_is_late_is_told_once_and_given_up_when_its_time_is_up) {
    World world;
    world.env.config.queue.expire = std::chrono::hours(5);
    const auto id = world.accept(kText, {"x@b.example"});
    const auto relayd = world.relayd();
    const auto deliverd = world.deliverd();
    std::vector<GivenJob> notices;
    const auto collect = [&](std::size_t wanted) {
        while (notices.size() < wanted) {
            notices.push_back(world.run(deliverd->next()));
            deliverd->answer(notices.back(), Result::delivered, "2.0.0");
        }
    };
    for (int i = 0; i < 60; ++i) {
        const auto rows = world.list();
        const auto one = std::ranges::find(rows, id, &ipc::admin::Row::id);
        if (one == rows.end()) break;
        const auto is_notice = [&](const auto& row) { return row.about == id; };
        if (notices.empty() && std::ranges::any_of(rows, is_notice)) collect(1);
        if (one->state == "active") {
            relayd->answer(world.run(relayd->next()), Result::deferred, "4.2.1");
            world.wait_until([&](const auto& r) {
                const auto row = std::ranges::find(r, id, &ipc::admin::Row::id);
                return row == r.end() || row->state != "active";
            });
        } else {
            world.advance(kMinute * 15);
        }
    }
    collect(2);
    BOOST_TEST(notices[0].text.contains("Action: delayed"));
    BOOST_TEST(notices[1].text.contains("Action: failed"));
    BOOST_TEST(notices[1].text.contains("Status: 4.2.1"));
    BOOST_TEST(world.logged(id.text() + ": from=<alice@a.example>, status=expired"));
    world.wait_until_empty();
    const auto age = world.clock.wall_us() - id.arrival_us();
    BOOST_TEST(age >= std::int64_t{5} * 3600 * 1'000'000);
    BOOST_TEST(age <= std::int64_t{6} * 3600 * 1'000'000);
}

BOOST_AUTO_TEST_CASE(an_alias_becomes_those_it_stands_for) {
    World world;
    const auto id = world.accept(kText, {"list@a.example"});
    const auto deliverd = world.deliverd();
    const auto relayd = world.relayd();
    const auto given = world.run(deliverd->next());
    deliverd->answer(given, Result::expanded, "2.0.0",
                     {"u@a.example", "x@b.example", "LIST@a.example"});
    const auto local = world.run(deliverd->next());
    const auto remote = world.run(relayd->next());
    BOOST_CHECK(local.job.id == id);
    BOOST_CHECK(remote.job.id == id);
    BOOST_TEST(local.job.recipients.at(0).forward_path == "u@a.example");
    BOOST_TEST(local.job.recipients.at(0).expanded_from == "list@a.example");
    BOOST_TEST(local.job.recipients.at(0).original_recipient == "rfc822;list@a.example");
    BOOST_TEST(remote.job.recipients.at(0).forward_path == "x@b.example");
    deliverd->answer(local, Result::delivered, "2.0.0");
    relayd->answer(remote, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(paused_it_keeps_everything) {
    World world;
    world.env.config.queue.paused = true;
    world.accept(kText, {"x@b.example"});
    const auto relayd = world.relayd();
    BOOST_TEST(world.list().at(0).state == "queued");
    world.env.config.queue.paused = false;
    world.reload();
    relayd->answer(world.run(relayd->next()), Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(new_routes_hold_for_what_waits) {
    World world;
    world.accept(kText, {"x@b.example"});
    world.env.config.relay.smarthost = config::NextHop::parse("[smart.example]:587").value();
    world.reload();
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    BOOST_TEST(given.job.next_hop == "[smart.example]:587");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_and_recovers) {
    World world;
    world.accept(kText, {"x@b.example"});
    BOOST_TEST(world.list().size() == 1U);
    world.disk->set_room(0);
    world.accept(kText, {"y@b.example"});   // its segment has room
    BOOST_TEST(world.list().size() == 1U);  // ... and the database has not
    const auto verdict = world.submit(kText, {"x@b.example"});
    BOOST_TEST(verdict.status == "4.3.1");
    world.disk->set_room(1'000'000'000);
    world.advance(std::chrono::seconds(2));
    BOOST_TEST(world.list().size() == 2U);
    const auto relayd = world.relayd();
    for (int i = 0; i < 2; ++i)
        relayd->answer(world.run(relayd->next()), Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_ends_the_daemon) {
    World world;
    world.accept(kText, {"x@b.example"});
    BOOST_TEST(world.list().size() == 1U);
    world.disk->set_plan({.fail_at = world.disk->operations() + 2});  // a sync, then the next row
    BOOST_TEST(world.submit(kText, {"x@b.example"}).accepted);
    BOOST_CHECK(world.end() != nullptr);
}

BOOST_AUTO_TEST_CASE(what_was_acknowledged_is_there_after_a_power_loss) {
    mail::QueueId id;
    std::unique_ptr<spool::FaultDisk> after;
    {
        World world;
        id = world.accept(kText, {"x@b.example", "y@c.example"});
        const auto relayd = world.relayd();
        const auto given = world.run(relayd->next());
        BOOST_TEST(given.job.next_hop == "b.example");
        relayd->answer(given, Result::delivered, "2.0.0");
        world.wait_until(
            [](const auto& rows) { return rows.at(0).recipients.at(0).state == "relayed"; });
        after = world.disk->after(spool::FaultDisk::Loss::kAllUnsynced);
    }
    World world(std::move(after), id.arrival_us() + 1'000'000);
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    BOOST_CHECK(given.job.id == id);
    BOOST_TEST(given.job.next_hop == "c.example");
    BOOST_TEST(given.text == kText);
    relayd->answer(given, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(damage_is_reported_kept_and_never_sent) {
    mail::QueueId id;
    std::unique_ptr<spool::FaultDisk> disk;
    {
        World world;
        id = world.accept(kText, {"x@b.example"});
        world.advance(kMinute * 2);  // the mark moves up
        world.list();
        BOOST_CHECK(world.end() == nullptr);
        disk = world.disk->after(spool::FaultDisk::Loss::kNothingSoFar);
    }
    const auto directory = disk->root().open_directory("body");
    const auto segment = directory->list().at(0);
    const auto bytes = spool::read_all(*directory->open(segment, spool::Access::kRead));
    disk->flip_bit(*directory, segment, bytes.find(kText) + std::string_view(kText).size() / 2);
    World world(std::move(disk), id.arrival_us() + 600'000'000);
    const auto relayd = world.relayd();
    const auto rows = world.wait_until([](const auto& r) { return r.at(0).state == "damaged"; });
    BOOST_TEST(rows[0].recipients.at(0).state == "held");
    BOOST_TEST(world.logged(id.text() + ": the message is damaged on disk"));
}

BOOST_AUTO_TEST_CASE(an_administrator_holds_releases_and_removes) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    BOOST_TEST(world.act(Verb::hold, id) == 1U);
    BOOST_TEST(world.act(Verb::hold, id) == 0U);
    const auto relayd = world.relayd();
    BOOST_TEST(world.list().at(0).state == "hold");
    BOOST_TEST(world.act(Verb::release, id) == 1U);
    const auto given = world.run(relayd->next());
    // Held while it is on its way, and its worker is lost: it stays.
    BOOST_TEST(world.act(Verb::hold, id) == 1U);
    relayd->answer(given, Result::deferred, "4.2.1");
    world.wait_until([](const auto& rows) { return rows.at(0).recipients.at(0).attempts == 1; });
    BOOST_TEST(world.list().at(0).state == "hold");
    BOOST_TEST(world.act(Verb::remove, id) == 1U);
    BOOST_TEST(world.act(Verb::remove, id) == 0U);
    BOOST_TEST(world.list().empty());
}

BOOST_AUTO_TEST_CASE(an_administrator_retries_and_returns) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    const auto relayd = world.relayd();
    relayd->answer(world.run(relayd->next()), Result::deferred, "4.2.1");
    world.wait_until(
        [](const auto& rows) { return rows.at(0).recipients.at(0).state == "deferred"; });
    BOOST_TEST(world.act(Verb::retry, id) == 1U);
    relayd->answer(world.run(relayd->next()), Result::deferred, "4.2.1");
    world.wait_until([](const auto& rows) { return rows.at(0).recipients.at(0).attempts == 2; });
    BOOST_TEST(world.act(Verb::bounce, id) == 1U);
    const auto deliverd = world.deliverd();
    const auto bounce = world.run(deliverd->next());
    BOOST_TEST(bounce.text.contains("returned to the sender by the administrator"));
    deliverd->answer(bounce, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_CASE(what_was_deleted_on_its_way_is_not_returned) {
    World world;
    const auto id = world.accept(kText, {"x@b.example"});
    const auto relayd = world.relayd();
    const auto given = world.run(relayd->next());
    BOOST_TEST(world.act(Verb::remove, id) == 1U);
    relayd->answer(given, Result::failed, "5.1.1");
    const auto next = world.accept(kText, {"x@b.example"});
    relayd->answer(world.run(relayd->next()), Result::delivered, "2.0.0");
    world.wait_until_empty();
    BOOST_CHECK(world.end() == nullptr);
    BOOST_TEST(!world.logged("from=<>"));
    BOOST_CHECK(next != id);
}

BOOST_AUTO_TEST_CASE(a_client_who_submits_for_nobody_is_cut_off_and_nobody_else) {
    World world;
    ipc::Channel<ipc::intake::Answer, ipc::intake::Request> rogue(world.loop,
                                                                  ipc::dial(world.path("intake")));
    rogue.send(ipc::intake::Submit{.transaction = 1});
    async::Stop stop;
    const auto answer = world.run(rogue.receive(stop));
    BOOST_TEST(!answer.has_value());
    world.accept(kText, {"x@b.example"});
    BOOST_TEST(world.logged("broke the protocol"));
}

BOOST_AUTO_TEST_CASE(a_client_who_announces_no_recipients_is_cut_off) {
    World world;
    ipc::Channel<ipc::intake::Answer, ipc::intake::Request> rogue(world.loop,
                                                                  ipc::dial(world.path("intake")));
    rogue.send(ipc::intake::Recipients{.transaction = 1});
    async::Stop stop;
    BOOST_TEST(!world.run(rogue.receive(stop)).has_value());
    BOOST_TEST(world.logged("a wrong number of recipients"));
}

BOOST_AUTO_TEST_CASE(more_recipients_than_a_packet_holds_keep_their_order) {
    World world;
    std::vector<std::string> recipients;
    for (int i = 0; i < 250; ++i)
        recipients.push_back(fmt::format("r{}@b.example", i));
    world.accept(kText, recipients);
    const auto rows = world.list();
    BOOST_REQUIRE(rows.size() == 1U);
    std::vector<std::string> kept;
    for (const auto& recipient : rows[0].recipients)
        kept.push_back(recipient.address);
    BOOST_TEST(kept == recipients, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_client_submits_what_it_was_given_and_nothing_else) {
    World world;
    world.accept(kText, {"x@b.example"});
    const auto segment = world.list();  // somebody else's segment is open now
    ipc::Channel<ipc::intake::Answer, ipc::intake::Request> rogue(world.loop,
                                                                  ipc::dial(world.path("intake")));
    ipc::intake::Submit submit{.transaction = 1};
    submit.envelope.id = mail::QueueId(99);
    submit.envelope.recipients.push_back({"x@b.example", {}, 0});
    submit.body.file = static_cast<std::uint64_t>(world.clock.wall_us());
    submit.body.offset = 100;
    submit.body.length = 10;
    rogue.send(submit);
    async::Stop stop;
    BOOST_TEST(!world.run(rogue.receive(stop)).has_value());
    BOOST_TEST(world.list().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_worker_that_says_nothing_is_cut_off_and_others_get_what_it_had) {
    World world;
    const auto silent = world.relayd();
    const auto id = world.accept(kText, {"x@b.example"});
    BOOST_TEST((world.run(silent->next()).job.id == id));
    world.advance(std::chrono::minutes(59));
    const auto other = world.relayd();
    BOOST_TEST(!world.logged("says nothing"));
    world.advance(std::chrono::minutes(3));
    BOOST_TEST(world.logged("a relayd has had 1 jobs for an hour and says nothing: it is cut off"));
    const auto given = world.run(other->next());
    BOOST_TEST((given.job.id == id));
    other->answer(given, Result::delivered, "2.0.0");
    world.wait_until_empty();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::queued_test
