#include <boost/test/unit_test.hpp>
#include <ranges>

#include "spool/disk/side_by_side.h"
#include "tests/unit/spool/queue_fixture.h"
#include "tests/unit/spool/test_spool.h"

namespace veredus::spool {
namespace {

using enum RecipientState;

using Texts = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_store, QueueFixture)

BOOST_AUTO_TEST_CASE(a_message_comes_back_as_it_came) {
    Batch batch;
    auto recipient = recipient_at("a@b.example", kTestNow + 5);
    recipient.original_recipient = "rfc822;x@y.example";
    recipient.notify = mail::kNotifyDelay | mail::kNotifyFailure;
    recipient.expanded_from = "list@b.example";
    batch.arrivals.push_back(spool->make("text\r\n", {recipient}));
    auto& e = batch.arrivals[0].envelope;
    e.envelope_id = "an id";
    e.ret = mail::Ret::kHeaders;
    e.body_type = mail::BodyType::kEightBitMime;
    e.client = {"c.example", "192.0.2.7", "ESMTPSA", "user@b.example", "TLSv1.3"};
    e.message_id = "<1@a.example>";
    e.priority = -3;
    e.about = mail::QueueId(42);
    spool->commit(batch);
    reopen();

    const auto message = queue().show(e.id);
    BOOST_TEST_REQUIRE(message.has_value());
    const auto& back = message->envelope;
    BOOST_CHECK(message->state == MessageState::kQueued);
    BOOST_CHECK(back.id == e.id);
    BOOST_TEST(back.reverse_path == e.reverse_path);
    BOOST_TEST(back.envelope_id == e.envelope_id);
    BOOST_CHECK(back.ret == e.ret);
    BOOST_CHECK(back.body_type == e.body_type);
    BOOST_CHECK(back.body == e.body);
    BOOST_CHECK(back.client == e.client);
    BOOST_TEST(back.message_id == e.message_id);
    BOOST_TEST(back.priority == e.priority);
    BOOST_TEST(back.expires_us == e.expires_us);
    BOOST_TEST(!back.delay_noticed);
    BOOST_CHECK(back.about == e.about);
    BOOST_TEST_REQUIRE(message->recipients.size() == 1U);
    const auto& r = message->recipients[0];
    BOOST_TEST(r.number == 1U);
    BOOST_TEST(r.address == "a@b.example");
    BOOST_TEST(r.destination == "b.example");
    BOOST_TEST(r.original_recipient == recipient.original_recipient);
    BOOST_TEST(r.expanded_from == recipient.expanded_from);
    BOOST_TEST(r.notify == recipient.notify);
    BOOST_CHECK(r.state == kReady);
    BOOST_TEST(r.attempts == 0U);
    BOOST_TEST(r.next_attempt_us == kTestNow + 5);
    BOOST_TEST(spool->bodies.read(back.body).value() == "text\r\n");
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(a_message_leaves_with_its_last_recipient) {
    const auto id =
        spool->accept("text\r\n", {recipient_at("a@b.example"), recipient_at("b@b.example")});
    auto committed = spool->record({outcome_of(id, 1, kRelayed)});
    BOOST_TEST(committed.departures.empty());
    BOOST_CHECK(state_of(id, 1) == kRelayed);
    BOOST_CHECK(state_of(id, 2) == kReady);
    check_is_clean();
    committed = spool->record({outcome_of(id, 2, kDelivered)});
    BOOST_TEST_REQUIRE(committed.departures.size() == 1U);
    BOOST_CHECK(committed.departures[0].id == id);
    BOOST_TEST(!queue().show(id).has_value());
    BOOST_TEST(queue().history(id).empty());
    BOOST_TEST(QueueReader(queue()).count({}) == 0U);
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(bodies_go_when_their_segment_is_empty_and_closed) {
    const auto one = spool->accept("one\r\n", {recipient_at("a@b.example")});
    const auto two = spool->accept("two\r\n", {recipient_at("a@b.example")});
    const auto directory = disk.root().open_directory("body");
    spool->start_new_segment();
    spool->record({outcome_of(one, 1, kRelayed)});
    BOOST_TEST(directory->list().size() == 1U);
    spool->record({outcome_of(two, 1, kRelayed)});
    BOOST_TEST(directory->list().empty());
}

BOOST_AUTO_TEST_CASE(deferred_recipients_wait) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    BOOST_TEST(due_at(kTestNow) == Texts{"a@b.example"});
    BOOST_TEST(due_at(kTestNow - 1) == Texts{});
    auto outcome = outcome_of(id, 1, kDeferred);
    outcome.status = "4.4.1";
    spool->record({outcome});
    reopen();
    BOOST_TEST(due_at(kTestNow) == Texts{});
    BOOST_TEST(due_at(outcome.next_attempt_us) == Texts{"a@b.example"});
    BOOST_TEST(DueReader(queue()).next_due_us(0).value() == outcome.next_attempt_us);
    BOOST_TEST(!DueReader(queue()).next_due_us(outcome.next_attempt_us).has_value());
    const auto recipient = queue().show(id)->recipients[0];
    BOOST_CHECK(recipient.state == kDeferred);
    BOOST_TEST(recipient.attempts == 1U);
    BOOST_TEST(recipient.last_status == "4.4.1");
    BOOST_TEST(recipient.last_reply == "said the other side");
    BOOST_TEST(recipient.last_remote == "mx.b.example[192.0.2.1]:25");
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(in_doubt_is_remembered) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    spool->record({outcome_of(id, 1, kInDoubt)});
    BOOST_CHECK(state_of(id) == kInDoubt);
    BOOST_TEST(due_at(kTestNow + 300'000'000) == Texts{"a@b.example"});
    spool->record({outcome_of(id, 1, kRelayed, kTestNow + 300'000'000)});
    BOOST_TEST(!queue().show(id).has_value());
    const auto attempts = stories().at(0).recipients.at(0).attempts;
    BOOST_TEST_REQUIRE(attempts.size() == 2U);
    BOOST_TEST(attempts[0].state == "in doubt");
    BOOST_TEST(attempts[1].state == "relayed");
}

BOOST_AUTO_TEST_CASE(outcomes_that_come_too_late_change_nothing) {
    const auto id =
        spool->accept("text\r\n", {recipient_at("a@b.example"), recipient_at("b@b.example")});
    spool->record({outcome_of(id, 1, kRelayed)});
    auto committed =
        spool->record({outcome_of(id, 1, kDeferred), outcome_of(id, 1, kFailed),
                       outcome_of(id, 7, kRelayed), outcome_of(mail::QueueId(1), 1, kRelayed)});
    BOOST_TEST(committed.stale.size() == 4U);
    BOOST_CHECK(state_of(id, 1) == kRelayed);
    BOOST_TEST(queue().history(id).size() == 1U);
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(an_alias_is_expanded_once) {
    const auto id =
        spool->accept("text\r\n", {recipient_at("list@b.example"), recipient_at("x@b.example")});
    auto outcome = outcome_of(id, 1, kExpanded);
    outcome.expanded_to = {recipient_at("X@B.example"), recipient_at("y@b.example"),
                           recipient_at("List@b.example"), recipient_at("y@b.example")};
    const auto committed = spool->record({outcome});
    BOOST_TEST_REQUIRE(committed.expansions.size() == 1U);
    BOOST_CHECK(committed.expansions[0].envelope.id == id);
    BOOST_TEST_REQUIRE(committed.expansions[0].recipients.size() == 1U);
    BOOST_TEST(committed.expansions[0].recipients[0].number == 3U);
    BOOST_TEST(committed.departures.empty());
    reopen();
    const auto message = queue().show(id);
    BOOST_TEST_REQUIRE(message->recipients.size() == 3U);
    BOOST_CHECK(message->recipients[0].state == kExpanded);
    BOOST_TEST(message->recipients[2].address == "y@b.example");
    BOOST_CHECK(message->recipients[2].state == kReady);
    check_is_clean();
    spool->record({outcome_of(id, 2, kDelivered), outcome_of(id, 3, kDelivered)});
    BOOST_TEST(!queue().show(id).has_value());
}

BOOST_AUTO_TEST_CASE(aliases_in_a_circle_come_to_an_end) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    auto to_b = outcome_of(id, 1, kExpanded);
    to_b.expanded_to = {recipient_at("b@b.example")};
    spool->record({to_b});
    auto to_a = outcome_of(id, 2, kExpanded);
    to_a.expanded_to = {recipient_at("a@b.example")};
    BOOST_TEST(spool->record({to_a}).departures.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_verdict_and_its_bounce_are_one_commit) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    Batch batch;
    batch.outcomes.push_back(outcome_of(id, 1, kFailed));
    batch.own.push_back(spool->make("bounce\r\n", {recipient_at("sender@a.example")}, true, ""));
    batch.own[0].envelope.about = id;
    const auto before = disk.operations();
    const auto committed = spool->commit(batch);
    BOOST_TEST(committed.departures.size() == 1U);
    // The bounce's body is synced before anything of the commit is written.
    const auto log = disk.log();
    const auto is_sync = [](const auto& operation) {
        return operation.kind == FaultDisk::Kind::kSync && operation.name.ends_with(".segment");
    };
    const auto is_commit = [](const auto& operation) {
        return operation.name.starts_with("queue.db");
    };
    const auto done =
        std::ranges::subrange(log.begin() + static_cast<std::ptrdiff_t>(before), log.end());
    BOOST_CHECK(std::ranges::find_if(done, is_sync) < std::ranges::find_if(done, is_commit));
    reopen();
    BOOST_TEST(!queue().show(id).has_value());
    BOOST_TEST(queue().show(batch.own[0].envelope.id).has_value());
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(of_a_verdict_that_came_too_late_nobody_is_told) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    const auto gone = queue().remove(id, kTestNow);
    spool->bodies.drop_reference(gone->body.file);
    Batch batch;
    batch.outcomes.push_back(outcome_of(id, 1, kFailed));
    batch.own.push_back(spool->make("bounce\r\n", {recipient_at("sender@a.example")}, true, ""));
    batch.own[0].envelope.about = id;
    const auto committed = spool->commit(batch);
    BOOST_TEST(committed.stale.size() == 1U);
    BOOST_TEST_REQUIRE(committed.own.size() == 1U);
    BOOST_TEST(!committed.own[0]);
    BOOST_TEST(QueueReader(queue()).count({}) == 0U);
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(a_delay_notice_is_sent_once) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    Batch batch;
    batch.delay_noticed.push_back(id);
    batch.own.push_back(spool->make("late\r\n", {recipient_at("sender@a.example")}, true, ""));
    spool->commit(batch);
    reopen();
    BOOST_TEST(queue().show(id)->envelope.delay_noticed);
}

BOOST_AUTO_TEST_CASE(an_id_is_taken_once) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    Batch batch;
    batch.arrivals.push_back(spool->make("new\r\n", {recipient_at("a@b.example")}));
    batch.arrivals.push_back(spool->make("other\r\n", {recipient_at("b@b.example")}));
    batch.arrivals[1].envelope.id = id;
    const auto committed = spool->commit(batch);
    BOOST_CHECK(committed.arrivals[0] == ArrivalResult::kAccepted);
    BOOST_CHECK(committed.arrivals[1] == ArrivalResult::kDuplicateId);
    BOOST_TEST(queue().show(id)->recipients[0].address == "a@b.example");
    BOOST_TEST(QueueReader(queue()).count({}) == 2U);
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(hold_and_release) {
    const auto id =
        spool->accept("text\r\n", {recipient_at("a@b.example"), recipient_at("b@b.example")});
    BOOST_TEST(!queue().release(id, kTestNow));
    BOOST_TEST(queue().hold(id, "looks odd"));
    BOOST_TEST(!queue().hold(id, "again"));
    BOOST_TEST(due_at(kTestNow) == Texts{});
    BOOST_TEST(!queue().retry(id, kTestNow));
    reopen();
    BOOST_CHECK(queue().show(id)->state == MessageState::kHeld);
    BOOST_TEST(queue().show(id)->reason == "looks odd");
    BOOST_CHECK(state_of(id, 2) == kHeld);
    check_is_clean();

    // What was under way when the hold came: a success counts, a failure to deliver leaves it held.
    spool->record({outcome_of(id, 1, kRelayed), outcome_of(id, 2, kDeferred)});
    BOOST_CHECK(state_of(id, 1) == kRelayed);
    BOOST_CHECK(state_of(id, 2) == kHeld);
    BOOST_TEST(queue().show(id)->recipients[1].attempts == 1U);
    check_is_clean();

    BOOST_TEST(queue().release(id, kTestNow + 1));
    BOOST_CHECK(queue().show(id)->state == MessageState::kQueued);
    BOOST_TEST(queue().show(id)->reason.empty());
    BOOST_TEST(due_at(kTestNow + 1) == Texts{"b@b.example"});
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(retry_makes_what_waits_due) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    spool->record({outcome_of(id, 1, kDeferred)});
    BOOST_TEST(due_at(kTestNow + 1) == Texts{});
    BOOST_TEST(queue().retry(id, kTestNow + 1));
    BOOST_TEST(due_at(kTestNow + 1) == Texts{"a@b.example"});
    BOOST_CHECK(state_of(id) == kReady);
    BOOST_TEST(!queue().retry(id, kTestNow + 1));
    BOOST_TEST(!queue().retry(mail::QueueId(1), kTestNow));
}

BOOST_AUTO_TEST_CASE(remove_takes_a_message_out) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    const auto gone = queue().remove(id, kTestNow);
    BOOST_TEST_REQUIRE(gone.has_value());
    BOOST_TEST(!queue().remove(id, kTestNow).has_value());
    BOOST_TEST(!queue().show(id).has_value());
    spool->bodies.drop_reference(gone->body.file);
    check_is_clean();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
