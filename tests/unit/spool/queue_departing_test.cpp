#include <boost/test/unit_test.hpp>

#include "tests/unit/spool/queue_fixture.h"

namespace veredus::spool {
namespace {

using enum RecipientState;

constexpr std::int64_t kDay = 86'400'000'000;

struct DepartingFixture : QueueFixture {
    // Of this machine, after a crash that took all that was not synced.
    std::vector<Story> stories_after_crash() {
        const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
        TestSpool again(after->root());
        again.recover();
        return stories_in(after->root());
    }
    std::size_t rows() {
        spool.reset();
        Database database(disk.root(), "queue.db");
        auto count = database.prepare("SELECT count(*) FROM departing");
        auto row = count.query();
        row.next();
        return row.get<std::size_t>(0);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_departing, DepartingFixture)

BOOST_AUTO_TEST_CASE(a_departure_becomes_one_story) {
    Batch batch;
    batch.arrivals.push_back(spool->make("text\r\n", {recipient_at("list@a.example")}));
    auto& envelope = batch.arrivals[0].envelope;
    envelope.client = {"client.example", "192.0.2.7", "ESMTPS", "ann", "TLSv1.3"};
    envelope.message_id = "<1@a.example>";
    envelope.envelope_id = "QQ314159";
    envelope.priority = 2;
    envelope.about = mail::QueueId(77);
    batch.arrivals[0].recipients[0].original_recipient = "rfc822;L@a.example";
    spool->commit(batch);
    const auto id = envelope.id;
    auto expanded = outcome_of(id, 1, kExpanded, kTestNow + 1);
    expanded.expanded_to = {recipient_at("a@b.example"), recipient_at("b@b.example")};
    expanded.expanded_to[0].expanded_from = "list@a.example";
    spool->record({expanded});
    spool->record(
        {outcome_of(id, 2, kInDoubt, kTestNow + 2), outcome_of(id, 3, kRelayed, kTestNow + 3)});
    BOOST_TEST(queue().history(id).size() == 3U);
    BOOST_TEST(stories().empty());
    auto last = outcome_of(id, 2, kDelivered, kTestNow + 4);
    last.tls = "TLSv1.3 too";
    spool->record({last});

    BOOST_TEST(queue().history(id).empty());
    const auto all = stories();
    BOOST_TEST_REQUIRE(all.size() == 1U);
    const auto& story = all[0];
    BOOST_CHECK(story.id == id);
    BOOST_TEST(story.left_us == kTestNow + 4);
    BOOST_TEST(story.state == "done");
    BOOST_TEST(story.reverse_path == "sender@a.example");
    BOOST_TEST(story.size == 6U);
    BOOST_TEST(story.message_id == "<1@a.example>");
    BOOST_TEST(story.envelope_id == "QQ314159");
    BOOST_TEST(story.priority == 2);
    BOOST_CHECK(story.about == mail::QueueId(77));
    BOOST_CHECK(story.client == envelope.client);
    BOOST_TEST_REQUIRE(story.recipients.size() == 3U);
    BOOST_TEST(story.recipients[0].original == "rfc822;L@a.example");
    BOOST_TEST(story.recipients[0].state == "expanded");
    const auto& r = story.recipients[1];
    BOOST_TEST(r.address == "a@b.example");
    BOOST_TEST(r.expanded_from == "list@a.example");
    BOOST_TEST(r.state == "delivered");
    BOOST_TEST_REQUIRE(r.attempts.size() == 2U);
    BOOST_TEST(r.attempts[0].state == "in doubt");
    BOOST_TEST(r.attempts[0].at_us == kTestNow + 2);
    BOOST_TEST(r.attempts[1].reply == "said the other side");
    BOOST_TEST(r.attempts[1].remote == "mx.b.example[192.0.2.1]:25");
    BOOST_TEST(r.attempts[1].tls == "TLSv1.3 too");
    BOOST_TEST(story.recipients[2].attempts.at(0).state == "relayed");
    check_is_clean();
}

BOOST_AUTO_TEST_CASE(what_is_deleted_has_a_story_too) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    spool->record({outcome_of(id, 1, kDeferred)});
    queue().hold(id, "looks odd");
    BOOST_TEST(queue().remove(id, kTestNow + 9).has_value());
    const auto all = stories();
    BOOST_TEST_REQUIRE(all.size() == 1U);
    BOOST_TEST(all[0].state == "deleted");
    BOOST_TEST(all[0].reason == "looks odd");
    BOOST_TEST(all[0].left_us == kTestNow + 9);
    BOOST_TEST(all[0].recipients.at(0).state == "held");
    BOOST_TEST(all[0].recipients.at(0).attempts.at(0).state == "deferred");
    BOOST_TEST(queue().history(id).empty());
    BOOST_TEST(stories_after_crash().size() == 1U);
}

BOOST_AUTO_TEST_CASE(stories_outlive_a_crash_and_are_told_once) {
    for (int i = 0; i < 5; ++i) {
        const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
        spool->record({outcome_of(id, 1, kRelayed, kTestNow + i * kDay)});
        BOOST_TEST(stories().size() == static_cast<std::size_t>(i + 1));
        BOOST_TEST(stories_after_crash().size() == static_cast<std::size_t>(i + 1));
    }
    reopen();
    BOOST_TEST(stories().size() == 5U);
    const auto before = disk.operations();
    BOOST_TEST(!queue().settle_ledger(0).has_value());  // recovery has settled all
    BOOST_TEST(disk.operations() == before);
    BOOST_TEST(rows() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_synced_goes_from_the_database) {
    const std::string reply(100'000, 'x');
    for (int i = 0; i < 40; ++i) {
        const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
        auto outcome = outcome_of(id, 1, kRelayed);
        outcome.reply = reply;
        spool->record({outcome});
    }
    BOOST_TEST(stories().size() == 40U);
    BOOST_TEST(stories_after_crash().size() == 40U);
    const auto left = rows();
    BOOST_TEST(left > 0U);
    BOOST_TEST(left < 25U);  // 1 MiB and what came while it was synced
}

BOOST_AUTO_TEST_CASE(a_ledger_that_cannot_be_written_waits_in_the_database) {
    const auto finish = [&] {
        const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
        return spool->record({outcome_of(id, 1, kRelayed)}).departures.size();
    };
    finish();
    // Each operation of a commit that ends a message, and of the two after it, in turn.
    for (std::uint64_t fail = 1; fail < 40; ++fail) {
        const auto known = stories_after_crash().size();
        disk.set_plan({.fail_at = disk.operations() + fail, .fail_code = ENOSPC});
        std::size_t finished = 0;
        bool broken = false;
        try {
            for (int i = 0; i < 3; ++i)
                finished += finish();
            queue().settle_ledger(0);
        } catch (const DatabaseError& error) {
            broken = !error.disk_full();
        } catch (const DiskError&) {  // no room for a body
        }
        disk.set_plan({});
        BOOST_TEST(stories_after_crash().size() >= known + finished);
        if (broken) reopen();
        BOOST_TEST(!queue().settle_ledger(0).has_value());
        BOOST_TEST(stories().size() == stories_after_crash().size());
        spool->start_new_segment();
    }
    BOOST_TEST(rows() == 0U);
}

BOOST_AUTO_TEST_CASE(old_days_are_forgotten) {
    const auto directory = disk.root().open_directory("ledger");
    for (int day = 0; day < 3; ++day) {
        const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
        spool->record({outcome_of(id, 1, kRelayed, kTestNow + day * kDay)});
    }
    BOOST_TEST(directory->list().size() == 3U);
    BOOST_TEST(!queue().settle_ledger(kTestNow).has_value());
    BOOST_TEST(directory->list().size() == 3U);  // the first day was not over then
    BOOST_TEST(!queue().settle_ledger(kTestNow + kDay).has_value());
    BOOST_TEST(directory->list().size() == 2U);
    reopen();
    BOOST_TEST(stories().size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_was_never_acknowledged_has_no_story) {
    const auto id = spool->accept("text\r\n", {recipient_at("a@b.example")});
    const auto directory = disk.root().open_directory("body");
    disk.flip_bit(*directory, directory->list().at(0), queue().show(id)->envelope.body.offset);
    BOOST_TEST(reopen().dropped.size() == 1U);
    BOOST_TEST(stories().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
