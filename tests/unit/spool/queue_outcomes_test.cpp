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

BOOST_FIXTURE_TEST_SUITE(queue_outcomes, QueueFixture)

BOOST_AUTO_TEST_CASE(damage_is_kept_and_never_due) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    BOOST_TEST(queue().mark_damaged(id, "a bit has flipped"));
    BOOST_TEST(!queue().mark_damaged(id, "again"));
    BOOST_TEST(!queue().hold(id, "why"));
    BOOST_TEST(due_at(kTestNow) == Texts{});
    reopen();
    BOOST_CHECK(queue().show(id)->state == MessageState::kDamaged);
    BOOST_TEST(queue().show(id)->reason == "a bit has flipped");
    BOOST_TEST(queue().release(id, kTestNow));
    BOOST_TEST(due_at(kTestNow) == Texts{"a@b.example"});
}

BOOST_AUTO_TEST_CASE(due_goes_on_where_it_stopped) {
    std::vector<Recipient> recipients;
    Texts expected;
    for (int i = 0; i < 25; ++i) {
        expected.push_back("r" + std::to_string(i) + "@b.example");
        recipients.push_back(recipient_at(expected.back(), kTestNow + i / 10));
    }
    spool->accept("text\r\n", recipients);
    DueReader reader(queue());
    DueCursor cursor;
    Texts found;
    for (;;) {
        const auto due = reader.due(kTestNow + 2, cursor, 7);
        for (const auto& one : due)
            found.push_back(one.recipient.address);
        if (due.size() < 7) break;
    }
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_lost_body_refuses_its_message_alone) {
    Batch batch;
    batch.arrivals.push_back(spool->make("one\r\n", {recipient_at("a@b.example")}));
    spool->start_new_segment();
    batch.arrivals.push_back(spool->make("two\r\n", {recipient_at("a@b.example")}));
    auto written = spool->write(batch);
    disk.set_plan({.fail_at = disk.operations() + 3});  // the second segment's sync
    queue().sync(written, one_by_one);
    BOOST_TEST(written.failed_files.size() == 1U);
    queue().take_back(batch, written);
    const auto& committed = written.committed;
    BOOST_CHECK(committed.arrivals[0] == ArrivalResult::kAccepted);
    BOOST_CHECK(committed.arrivals[1] == ArrivalResult::kBodyLost);
    BOOST_TEST(queue().show(batch.arrivals[0].envelope.id).has_value());
    BOOST_TEST(!queue().show(batch.arrivals[1].envelope.id).has_value());
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(what_cannot_be_taken_back_stops_the_queue) {
    Batch batch;
    batch.arrivals.push_back(spool->make("one\r\n", {recipient_at("a@b.example")}));
    auto written = spool->write(batch);
    disk.set_plan({.fail_at = disk.operations() + 2});
    queue().sync(written, one_by_one);
    disk.set_room(0);  // the body's sync failed, and its envelope cannot be taken back
    BOOST_CHECK_THROW(queue().take_back(batch, written), DatabaseError);
    disk.set_room(1'000'000'000);
    BOOST_CHECK_THROW(spool->record({}), std::runtime_error);
    BOOST_TEST(reopen().dropped.size() == 0U);  // a kill loses no bytes: it is there, and may stay
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(a_full_disk_changes_nothing) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    Batch batch;
    for (int i = 0; i < 100; ++i) {
        batch.arrivals.push_back(spool->make("more\r\n", {recipient_at("a@b.example")}));
    }
    batch.outcomes.push_back(outcome_of(id, 1, kRelayed));
    disk.set_room(0);
    BOOST_CHECK_EXCEPTION(spool->commit(batch), DatabaseError,
                          [](const DatabaseError& e) { return e.disk_full(); });
    BOOST_TEST(QueueReader(queue()).count({}) == 1U);
    disk.set_room(1'000'000'000);
    BOOST_TEST(spool->commit(batch).departures.size() == 1U);
    BOOST_TEST(QueueReader(queue()).count({}) == 100U);
    check_is_clean();
}

// Wherever it is: nothing has happened, and the next batches find everything as it was.
BOOST_AUTO_TEST_CASE(what_gives_way_has_not_been_begun) {
    const auto leaving = spool->accept("one\r\n", std::vector(100, recipient_at("a@b.example")));
    const auto waiting =
        spool->accept("two\r\n", {recipient_at("c@b.example"), recipient_at("d@b.example")});
    Batch batch;
    batch.arrivals.push_back(
        spool->make("more\r\n", std::vector(100, recipient_at("e@b.example"))));
    for (std::uint32_t number = 1; number <= 100; ++number)
        batch.outcomes.push_back(outcome_of(leaving, number, kRelayed));
    batch.outcomes.push_back(outcome_of(waiting, 1, kDeferred));
    const auto write = [&](int at) {
        int asked = 0;
        return queue().write(batch, {}, spool->bodies.to_sync(files_of(batch.arrivals)),
                             [&asked, at] { return ++asked == at; });
    };
    int ways = 0;
    auto written = write(1);
    for (; !written; written = write(ways + 1)) {
        ++ways;
        BOOST_TEST(QueueReader(queue()).count({}) == 2U);
        BOOST_TEST(queue().show(waiting)->recipients[0].attempts == 0U);
        BOOST_TEST((state_of(leaving, 1) == RecipientState::kReady));
        spool->record({outcome_of(waiting, 2, kDeferred)});  // somebody else's batch
    }
    BOOST_TEST(ways >= 6);
    BOOST_TEST(spool->finish(batch, *written).departures.size() == 1U);
    BOOST_TEST(QueueReader(queue()).count({}) == 2U);
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(recovery_tells_damage_from_what_was_never_acknowledged) {
    const auto old = spool->accept("old\r\n", {recipient_at("a@b.example")});
    const auto last = spool->accept("last\r\n", {recipient_at("a@b.example")});
    const auto directory = disk.root().open_directory("body");
    const auto name = directory->list().at(0);
    const auto flip = [&](mail::QueueId id) {
        disk.flip_bit(*directory, name, queue().show(id)->envelope.body.offset);
    };
    flip(old);
    flip(last);
    auto recovered = reopen();
    // The last commit's body was not known to be on disk; the older one's was.
    BOOST_TEST_REQUIRE(recovered.dropped.size() == 1U);
    BOOST_CHECK(recovered.dropped[0] == last);
    BOOST_TEST(queue().show(old).has_value());
    BOOST_TEST(queue().check(&spool->bodies).size() == 1U);  // damage not yet seen

    // A file that is too short is seen without reading it.
    directory->open(name, Access::kReadWrite)->truncate(10);
    recovered = reopen();
    BOOST_TEST_REQUIRE(recovered.damaged.size() == 1U);
    BOOST_CHECK(recovered.damaged[0].first == old);
    BOOST_CHECK(queue().show(old)->state == MessageState::kDamaged);
    recovered = reopen();
    BOOST_TEST(recovered.damaged.empty());  // known already
}

BOOST_AUTO_TEST_CASE(the_mark_moves_up_in_quiet_moments) {
    const auto id = spool->accept("last\r\n", {recipient_at("a@b.example")});
    queue().note_durable();
    const auto directory = disk.root().open_directory("body");
    disk.flip_bit(*directory, directory->list().at(0), queue().show(id)->envelope.body.offset);
    BOOST_TEST(reopen().dropped.empty());
    BOOST_TEST(queue().show(id).has_value());
}

BOOST_AUTO_TEST_CASE(a_disk_that_cannot_read_drops_nothing) {
    const auto id = spool->accept("last\r\n", {recipient_at("a@b.example")});
    disk.set_plan({.unreadable_suffix = ".segment"});
    BOOST_TEST(reopen().dropped.empty());
    disk.set_plan({});
    BOOST_TEST(queue().show(id).has_value());
}

BOOST_AUTO_TEST_CASE(a_database_made_anew_removes_no_bodies) {
    spool->accept("text\r\n", {recipient_at("a@b.example")});
    spool.reset();
    for (const auto& name : disk.root().list()) {
        if (name.starts_with("queue.db")) disk.root().unlink(name);
    }
    spool.emplace(disk.root());
    const auto recovered = spool->recover();
    BOOST_TEST(recovered.files.size() == 1U);
    BOOST_TEST(disk.root().open_directory("body")->list().at(0).ends_with(".orphan"));
}

BOOST_AUTO_TEST_CASE(check_finds_what_does_not_fit_together) {
    const auto id =
        spool->accept("text\r\n", {recipient_at("a@b.example"), recipient_at("b@b.example")});
    spool.reset();
    {
        Database database(disk.root(), "queue.db");
        database.execute("UPDATE recipient SET state = 4 WHERE number = 1");
        database.execute("UPDATE message SET unfinished = 3");
        database.execute(
            "INSERT INTO recipient SELECT 99, number, state, next_attempt_us, attempts, "
            "notify, address, destination, original_recipient, expanded_from, "
            "last_status, last_reply, last_remote FROM recipient WHERE number = 1");
    }
    spool.emplace(disk.root());
    spool->recover();
    const auto findings = queue().check(&spool->bodies);
    BOOST_TEST(findings.size() == 3U);
    BOOST_TEST(
        std::ranges::any_of(findings, [](const auto& f) { return f.contains("no envelope"); }));
    BOOST_TEST(std::ranges::any_of(findings, [](const auto& f) { return f.contains("count"); }));
    BOOST_TEST(std::ranges::any_of(findings, [&](const auto& f) {
        return f.starts_with(id.text()) && f.contains("no state");
    }));
}

BOOST_AUTO_TEST_CASE(threads_side_by_side_commit_the_same) {
    Helpers helpers(2);
    FaultDisk other;
    TestSpool threaded(other.root(), [&](const Tasks& tasks) { helpers.run(tasks); });
    threaded.recover();
    for (int i = 0; i < 50; ++i)
        threaded.accept("text\r\n", {recipient_at("a@b.example")});
    const auto after = other.after(FaultDisk::Loss::kAllUnsynced);
    TestSpool again(after->root());
    BOOST_TEST(again.recover().totals.messages == 50U);
    BOOST_TEST(again.queue.check(&again.bodies).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
