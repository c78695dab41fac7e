// check_spool() and repair_spool(): whatever is wrong is found, and nothing that may be mail is
// lost.
#include <boost/test/unit_test.hpp>

#include "spool/queue/queue_reader.h"
#include "spool/queue/repair.h"
#include "tests/unit/spool/test_spool.h"

namespace veredus::spool {
namespace {

struct Fixture {
    FaultDisk disk;
    std::vector<mail::QueueId> ids;
    bool seals = false;  // clients seal their envelopes behind their messages

    Directory& root() { return disk.root(); }
    std::unique_ptr<Directory> body() { return root().open_directory("body"); }

    // A queue with `count` messages of one recipient, in one segment; the spool is closed again.
    void fill(int count, std::size_t size = 2000) {
        TestSpool spool(root());
        spool.recover();
        spool.seal(seals);
        spool.skip_ids(static_cast<std::int64_t>(ids.size()));
        for (int i = 0; i < count; ++i)
            ids.push_back(spool.accept("Message-ID: <" + std::to_string(i) + "@a.example>\r\n\r\n" +
                                           std::string(size, static_cast<char>('a' + i % 26)),
                                       {recipient_at("r" + std::to_string(i) + "@b.example")}));
    }
    void sql(const std::string& statements) {
        Database database(root(), "queue.db");
        database.execute(statements);
    }
    void lose_database() {
        for (const char* part : {"queue.db", "queue.db-wal"})
            root().unlink(part);
        root().sync();
    }
    std::vector<std::string> check() { return check_spool(root()).findings; }
    std::vector<std::string> repair() {
        auto lines =
            repair_spool(root(), {.postmaster = "postmaster@a.example", .now_us = kTestNow});
        BOOST_TEST_CONTEXT("after repair") {
            for (const auto& finding : check()) {
                if (finding.find("damaged: its body is not") == finding.npos)
                    BOOST_TEST(finding.empty(), finding);
            }
        }
        return lines;
    }
    // As a start of queued finds it.
    std::vector<Queued> queue() {
        TestSpool spool(root());
        BOOST_TEST(spool.recover().dropped.empty());
        return QueueReader(spool.queue).list({}, mail::QueueId(), 1000);
    }
    std::optional<Queued> message(mail::QueueId id) {
        for (auto& one : queue())
            if (one.envelope.id == id) return std::move(one);
        return std::nullopt;
    }
    std::string first_body_file() { return body()->list().front(); }
};

bool says(const std::vector<std::string>& lines, std::string_view part) {
    return std::ranges::any_of(lines, [&](const auto& line) { return line.contains(part); });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(repair, Fixture)

BOOST_AUTO_TEST_CASE(a_sound_spool_has_nothing_to_mend) {
    BOOST_TEST(check().empty());
    fill(20);
    BOOST_TEST(check().empty());
    BOOST_TEST(check_spool(root()).messages == 20U);
    BOOST_TEST(repair().empty());
    BOOST_TEST(queue().size() == 20U);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_makes_a_message_damaged_and_no_other) {
    fill(3);
    const auto at = TestSpool(root()).queue.show(ids[1])->envelope.body.offset + 100;
    disk.flip_bit(*body(), first_body_file(), at);
    BOOST_TEST(says(check(), ids[1].text()));
    BOOST_TEST(says(repair(), "not what arrived"));
    BOOST_TEST((message(ids[1])->state == MessageState::kDamaged));
    BOOST_TEST((message(ids[0])->state == MessageState::kQueued));
    // The disk comes to its senses, or the file back from a backup.
    disk.flip_bit(*body(), first_body_file(), at);
    BOOST_TEST(says(repair(), "whole again"));
    BOOST_TEST((message(ids[1])->state == MessageState::kHeld));
    BOOST_TEST(message(ids[1])->recipients.at(0).address == "r1@b.example");
}

BOOST_AUTO_TEST_CASE(a_body_is_found_again_in_another_file) {
    fill(3);
    const auto name = first_body_file();
    // Somebody restored the segment under another number.
    const std::string other = "00000000000000aa.segment";
    body()->rename(name, other);
    body()->sync();
    BOOST_TEST(says(check(), "is gone"));
    BOOST_TEST(says(repair(), "found again"));
    const auto all = queue();
    BOOST_TEST(all.size() == 3U);
    for (const auto& one : all)
        BOOST_TEST((one.state == MessageState::kQueued));
}

// The database is lost: what the files hold is held for the postmaster, but for what has left.
BOOST_AUTO_TEST_CASE(without_a_database_mail_is_held_for_the_postmaster) {
    fill(5);
    {
        TestSpool spool(root());
        spool.recover();
        spool.record({outcome_of(ids[2], 1, RecipientState::kRelayed)});
        spool.queue.settle_ledger(0);
        spool.queue.hold(ids[3], "why");
    }
    lose_database();
    BOOST_TEST(says(check(), "queue.db is gone"));
    BOOST_TEST(says(repair(), "nobody knows its recipients"));
    const auto all = queue();
    BOOST_TEST(all.size() == 4U);
    for (const auto& one : all) {
        BOOST_TEST((one.envelope.id != ids[2]));
        BOOST_TEST((one.state == MessageState::kHeld));
        BOOST_TEST(one.recipients.at(0).address == "postmaster@a.example");
        BOOST_TEST(one.envelope.reverse_path == "sender@a.example");
        BOOST_TEST(!one.envelope.message_id.empty());
    }
    BOOST_TEST(repair().empty());
}

BOOST_AUTO_TEST_CASE(without_a_database_sealed_mail_is_held_for_its_recipients) {
    seals = true;
    fill(3);
    {
        TestSpool spool(root());
        spool.recover();
        spool.record({outcome_of(ids[1], 1, RecipientState::kRelayed)});
        spool.queue.settle_ledger(0);
    }
    lose_database();
    BOOST_TEST(says(repair(), "with its envelope; released, it goes to all its recipients"));
    for (const auto& [id, address] :
         {std::pair(ids[0], "r0@b.example"), {ids[2], "r2@b.example"}}) {
        const auto found = message(id);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST((found->state == MessageState::kHeld));
        BOOST_TEST_REQUIRE(found->recipients.size() == 1U);
        BOOST_TEST(found->recipients[0].address == address);
        BOOST_TEST(found->envelope.client.name == "client.example");
    }
    BOOST_TEST(!message(ids[1]).has_value());
    BOOST_TEST(repair().empty());
}

// What repair has looked at is known: it is not adopted beside that.
BOOST_AUTO_TEST_CASE(what_was_repaired_is_not_adopted) {
    seals = true;
    fill(2);
    {
        TestSpool spool(root());
        spool.recover();
        spool.record({outcome_of(ids[1], 1, RecipientState::kRelayed)});
        spool.queue.settle_ledger(0);
    }
    lose_database();
    repair();
    const auto ledger = root().open_directory("ledger");
    for (const auto& name : ledger->list())
        ledger->unlink(name);
    TestSpool spool(root());
    BOOST_TEST(spool.recover().adopted.empty());
}

BOOST_AUTO_TEST_CASE(orphans_have_a_way_back) {
    fill(2);
    fill(1, kSingleFileThreshold + 1000);
    lose_database();
    BOOST_TEST(queue().empty());  // started without looking: the files are put aside
    BOOST_TEST(says(check(), ".orphan: the database knows nothing of it"));
    BOOST_TEST(says(repair(), "has its old name again"));
    BOOST_TEST(queue().size() == 3U);
}

// Pages in the middle of the file are overwritten: what stands before and behind them comes back.
BOOST_AUTO_TEST_CASE(of_a_damaged_database_all_is_taken_that_can_be_read) {
    fill(400);
    {
        Database database(root(), "queue.db");
        database.checkpoint();
    }
    const auto file = root().open("queue.db", Access::kReadWrite);
    const auto pages = file->size() / 4096;
    BOOST_TEST_REQUIRE(pages > 20U);
    for (auto page = pages / 2; page < pages / 2 + 3; ++page)
        file->write(page * 4096, std::string(4096, '\x5a'));
    file->sync();
    BOOST_TEST(!check().empty());
    const auto lines = repair();
    BOOST_TEST(says(lines, "is kept as queue.db.damaged-"));
    BOOST_TEST(says(lines, "are taken over from it"));
    const auto all = queue();
    BOOST_TEST(all.size() == 400U);  // with their recipients, or held for the postmaster
    const auto lost = std::ranges::count_if(all, [](const auto& one) {
        return one.recipients.at(0).address == "postmaster@a.example";
    });
    BOOST_TEST(lost < 150);
}

BOOST_AUTO_TEST_CASE(a_queue_of_version_3_is_taken_over) {
    fill(3);
    sql("ALTER TABLE message DROP COLUMN body_sealed; ALTER TABLE mark DROP COLUMN newest_file;"
        "ALTER TABLE mark DROP COLUMN open_segments; PRAGMA user_version = 3");
    BOOST_TEST(queue().size() == 3U);
    BOOST_TEST(check().empty());
}

BOOST_AUTO_TEST_CASE(a_database_that_is_none_is_put_aside) {
    fill(3);
    root().unlink("queue.db-wal");
    const auto file = root().open("queue.db", Access::kReadWrite);
    file->truncate(0);
    file->write(0, std::string(5000, 'x'));
    file->sync();
    BOOST_TEST(says(check(), "the queue's database is damaged: queue.db: "));
    repair();
    BOOST_TEST(queue().size() == 3U);
}

BOOST_AUTO_TEST_CASE(recipients_get_their_envelope_back) {
    fill(3);
    sql("DELETE FROM message WHERE id = " + std::to_string(ids[1].value()));
    BOOST_TEST(says(check(), "has recipients but no envelope"));
    BOOST_TEST(says(repair(), "its envelope was lost and is made anew"));
    const auto back = message(ids[1]);
    BOOST_TEST_REQUIRE(back.has_value());
    BOOST_TEST((back->state == MessageState::kQueued));
    BOOST_TEST(back->recipients.at(0).address == "r1@b.example");
    BOOST_TEST(back->envelope.reverse_path == "sender@a.example");
}

BOOST_AUTO_TEST_CASE(contradictions_are_set_right_towards_being_held) {
    fill(5);
    const auto id = [&](std::size_t i) { return std::to_string(ids[i].value()); };
    sql("UPDATE message SET unfinished = 7 WHERE id = " + id(0) +
        "; DELETE FROM recipient WHERE message = " + id(1) +
        "; UPDATE message SET state = 2 WHERE id = " + id(2) +
        "; UPDATE recipient SET state = 4 WHERE message = " + id(3) +
        "; UPDATE recipient SET state = 6 WHERE message = " + id(4) +
        "; UPDATE mark SET batch = 0, durable = 0");
    BOOST_TEST(check().size() >= 5U);
    repair();
    BOOST_TEST((message(ids[0])->state == MessageState::kQueued));
    BOOST_TEST((message(ids[1])->state == MessageState::kHeld));
    BOOST_TEST(message(ids[1])->recipients.at(0).address == "postmaster@a.example");
    BOOST_TEST((message(ids[2])->state == MessageState::kHeld));
    BOOST_TEST((message(ids[3])->state == MessageState::kHeld));
    BOOST_TEST(!message(ids[4]).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
