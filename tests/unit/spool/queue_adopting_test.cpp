// What recovery finds in segments whose rows a crash took.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

#include "tests/unit/spool/queue_fixture.h"

namespace veredus::spool {
namespace {

using enum RecipientState;

struct AdoptingFixture : QueueFixture {
    NewMessage make(std::string_view text) {
        return spool->make(text, {recipient_at("x@b.example")});
    }
    mail::QueueId commit(NewMessage message) {
        Batch batch;
        batch.arrivals.push_back(std::move(message));
        BOOST_CHECK(spool->commit(batch).arrivals.front() == ArrivalResult::kAccepted);
        return batch.arrivals.front().envelope.id;
    }
    std::ptrdiff_t syncs() {
        return std::ranges::count(disk.log(), FaultDisk::Kind::kSync, &FaultDisk::Operation::kind);
    }
    std::ptrdiff_t syncs_of(NewMessage message) {
        const auto before = syncs();
        commit(std::move(message));
        return syncs() - before;
    }
    // As crash(), and then no segment can be read.
    Recovered crash_and_read_nothing() {
        after = disk.after(FaultDisk::Loss::kAllUnsynced);
        spool.reset();
        after->set_plan({.unreadable_suffix = ".segment"});
        spool.emplace(after->root());
        return spool->recover();
    }
    std::string text_of(mail::QueueId id) {
        const auto message = queue().show(id);
        return message ? spool->bodies.read(message->envelope.body).value_or("damaged") : "gone";
    }
    // Writes into the clients' segment what was not made by a client's writer.
    void write_behind(const NewMessage& last, std::string_view bytes) {
        const auto directory = disk.root().open_directory("body");
        const auto file = open_body_file(*directory, last.envelope.body.file, Access::kWrite);
        file.first->write(end_of_record(last.envelope.body), bytes);
    }
};

using Ids = std::vector<mail::QueueId>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_adopting, AdoptingFixture)

BOOST_AUTO_TEST_CASE(a_sealed_message_is_accepted_with_one_sync) {
    commit(make("the first one syncs the file's name, too"));
    BOOST_TEST(syncs_of(make("sealed")) == 1);
    spool->seal(false);
    BOOST_TEST(syncs_of(make("not sealed")) == 2);
}

BOOST_AUTO_TEST_CASE(it_comes_back_with_all_that_was_known_of_it) {
    NewMessage message;
    message.envelope.id = mail::QueueId::make(kTestNow + 5, 77);
    message.envelope.reverse_path = "\"a b\"@a.example";
    message.envelope.envelope_id = "QQ314159";
    message.envelope.ret = mail::Ret::kHeaders;
    message.envelope.body_type = mail::BodyType::kEightBitMime;
    message.envelope.client = {"client.example", "192.0.2.7", "ESMTPSA", "ann", "TLSv1.3"};
    message.envelope.message_id = "<1@a.example>";
    message.envelope.priority = -4;
    message.recipients = {recipient_at("x@b.example"), recipient_at("y@c.example")};
    message.recipients[1].original_recipient = "rfc822;L@a.example";
    message.recipients[1].notify = 6;
    spool->write_body(message, "text\r\n");
    commit(message);
    const auto id = message.envelope.id;
    const auto before = queue().show(id).value();

    BOOST_TEST((crash().adopted == Ids{id}));
    const auto found = queue().show(id).value();
    BOOST_TEST(text_of(id) == "text\r\n");
    const auto& one = before.envelope;
    const auto& other = found.envelope;
    BOOST_CHECK(one.body == other.body);
    BOOST_TEST(one.reverse_path == other.reverse_path);
    BOOST_TEST(one.envelope_id == other.envelope_id);
    BOOST_CHECK(one.ret == other.ret);
    BOOST_CHECK(one.body_type == other.body_type);
    BOOST_CHECK(one.client == other.client);
    BOOST_TEST(one.message_id == other.message_id);
    BOOST_TEST(one.priority == other.priority);
    BOOST_TEST(other.expires_us ==
               id.arrival_us() + std::chrono::microseconds(QueueStore::kExpire).count());
    BOOST_TEST_REQUIRE(found.recipients.size() == 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        BOOST_TEST(before.recipients[i].address == found.recipients[i].address);
        BOOST_TEST(before.recipients[i].destination == found.recipients[i].destination);
        BOOST_TEST(before.recipients[i].original_recipient ==
                   found.recipients[i].original_recipient);
        BOOST_TEST(before.recipients[i].notify == found.recipients[i].notify);
        BOOST_CHECK(found.recipients[i].state == kReady);
    }
    check_is_clean();
}

// As letters pass mailings, which stand before them in the segment.
BOOST_AUTO_TEST_CASE(what_was_passed_in_its_segment_syncs_its_rows) {
    auto before = make("before");
    auto behind = make("behind");
    const auto second = commit(std::move(behind));
    queue().note_durable();
    const auto first = commit(std::move(before));
    crash();
    BOOST_TEST(text_of(first) == "before");
    BOOST_TEST(text_of(second) == "behind");
}

BOOST_AUTO_TEST_CASE(what_is_committed_after_its_segment_was_closed_syncs_its_rows) {
    auto before = make("before");
    spool->start_new_segment();
    const auto second = commit(make("in the next"));
    queue().note_durable();
    const auto first = commit(std::move(before));
    crash();
    BOOST_TEST(text_of(first) == "before");
    BOOST_TEST(text_of(second) == "in the next");
}

BOOST_AUTO_TEST_CASE(what_is_in_the_database_is_not_adopted_again) {
    const auto kept = commit(make("kept"));
    const auto gone = commit(make("gone"));
    spool->record({outcome_of(gone, 1, kRelayed)});
    BOOST_TEST(crash().adopted.empty());
    BOOST_TEST(text_of(kept) == "kept");
    BOOST_TEST(!queue().show(gone).has_value());
}

// Its ledger may have been moved away since.
BOOST_AUTO_TEST_CASE(what_was_adopted_once_and_has_left_does_not_come_back) {
    const auto kept = commit(make("kept"));
    const auto gone = commit(make("will be gone"));
    BOOST_TEST((crash().adopted == Ids{kept, gone}));
    BOOST_TEST(queue().remove(gone, kTestNow).has_value());
    const auto ledger = after->root().open_directory("ledger");
    for (const auto& name : ledger->list())
        ledger->unlink(name);
    ledger->sync();
    BOOST_TEST(crash().adopted.empty());
    BOOST_TEST(!queue().show(gone).has_value());
}

// An older copy of queue.db beside younger segments.
BOOST_AUTO_TEST_CASE(what_has_left_by_the_ledger_is_not_adopted) {
    const auto kept = commit(make("kept"));
    const auto gone = commit(make("gone"));
    queue().note_durable();
    const auto copy = [&](Directory& from, Directory& to) {
        for (const auto* name : {"queue.db", "queue.db-wal"}) {
            if (to.exists(name)) to.unlink(name);
            if (!from.exists(name)) continue;
            const auto bytes = read_all(*from.open(name, Access::kRead));
            to.create(name)->write(0, std::string_view(bytes));
        }
    };
    FaultDisk fresh;
    {
        // Of a time in which it knew nothing.
        TestSpool empty(fresh.root());
        empty.recover();
    }
    spool->record({outcome_of(gone, 1, kRelayed)});
    queue().settle_ledger(0);
    spool.reset();
    copy(fresh.root(), disk.root());
    BOOST_TEST((reopen().adopted == Ids{kept}));
    BOOST_TEST(!queue().show(gone).has_value());
}

BOOST_AUTO_TEST_CASE(a_new_database_adopts_nothing) {
    commit(make("text"));
    spool.reset();
    disk.root().unlink("queue.db");
    disk.root().unlink("queue.db-wal");
    const auto recovered = reopen();
    BOOST_TEST(recovered.adopted.empty());
    BOOST_TEST(recovered.files.size() == 1U);  // put aside
}

// Between a client's last byte and its word there may be a crash of either, or a stop.
BOOST_AUTO_TEST_CASE(what_nobody_asked_for_is_not_adopted_once_its_segment_was_closed) {
    const auto committed = commit(make("text"));
    const auto asked_for_no_more = make("not committed");
    spool->start_new_segment();
    const auto next = commit(make("the client came back"));
    queue().note_durable();
    crash();
    BOOST_TEST(!queue().show(asked_for_no_more.envelope.id).has_value());
    BOOST_TEST(text_of(committed) == "text");
    BOOST_TEST(text_of(next) == "the client came back");
}

BOOST_AUTO_TEST_CASE(a_stop_closes_all_segments) {
    commit(make("text"));
    const auto not_committed = make("not committed");
    spool->start_new_segment();
    queue().note_closed(spool->bodies.segments());
    BOOST_TEST(reopen().adopted.empty());
    BOOST_TEST(!queue().show(not_committed.envelope.id).has_value());
}

BOOST_AUTO_TEST_CASE(a_message_that_looks_like_a_record_is_none) {
    const auto real = make("real");
    auto false_one = real;
    false_one.envelope.id = mail::QueueId::make(kTestNow + 77, 0);
    const auto line = encode_record_head({.reverse_path = "x@a.example",
                                          .arrival_us = kTestNow,
                                          .id = false_one.envelope.id,
                                          .length = 2,
                                          .digest = mail::digest_of("hi")});
    const auto record = line + "hi\n" + seal_envelope(SegmentKey{}, line, sealed_form(false_one));
    commit(real);
    const auto last = commit(make("as text:\n" + record));
    const auto behind = make("behind it");
    write_behind(behind, record);
    commit(behind);
    const auto recovered = crash();
    BOOST_TEST((recovered.adopted == Ids{real.envelope.id, last, behind.envelope.id}));
    BOOST_TEST(!queue().show(false_one.envelope.id).has_value());
}

BOOST_AUTO_TEST_CASE(an_envelope_of_a_later_version_is_reported) {
    const auto message = make("text");
    const auto lease = spool->bodies.create_segment(kTestNow);
    SegmentWriter writer(lease->open_for_writing(), lease->file(), lease->start(),
                         SegmentWriter::Growth::kAhead, lease->key());
    const auto body = writer.append(message.envelope.id, "a@a.example", "text", "\x92\x07\x90");
    spool->bodies.to_sync(std::vector{body->file}).run();
    const auto recovered = crash();
    BOOST_TEST(recovered.adopted.empty());
    BOOST_TEST_REQUIRE(recovered.files.size() == 1U);
    BOOST_TEST(recovered.files[0].text.contains("its envelope cannot be read"));
}

BOOST_AUTO_TEST_CASE(a_segment_that_cannot_be_read_is_put_aside) {
    const auto id = commit(make("text"));
    const auto recovered = crash_and_read_nothing();
    BOOST_TEST_REQUIRE(recovered.files.size() == 1U);
    BOOST_TEST(recovered.files[0].text.contains("cannot be read; put aside"));
    BOOST_TEST(!queue().show(id).has_value());
    const auto names = after->root().open_directory("body")->list();
    BOOST_TEST_REQUIRE(names.size() == 1U);
    BOOST_TEST(names[0].ends_with(kOrphanSuffix));
}

BOOST_AUTO_TEST_CASE(a_segment_that_cannot_be_read_and_is_needed_is_told_of) {
    commit(make("the first one syncs the file's name, too"));
    spool->seal(false);
    const auto known = commit(make("its rows are on disk"));
    spool->seal(true);
    commit(make("its rows are not"));
    const auto recovered = crash_and_read_nothing();
    BOOST_TEST_REQUIRE(recovered.files.size() == 1U);
    BOOST_TEST(recovered.files[0].text.contains("mail that was accepted in the last moments"));
    BOOST_TEST(queue().show(known).has_value());
    const auto names = after->root().open_directory("body")->list();
    BOOST_TEST_REQUIRE(names.size() == 1U);
    BOOST_TEST(!names[0].ends_with(kOrphanSuffix));
}

BOOST_AUTO_TEST_CASE(a_horizon_comes_back) {
    Horizon horizon;
    horizon.move({.newest = 9, .open = {3, 7}});
    horizon.pass({.file = 3, .offset = 100, .length = 50});
    horizon.pass({.file = 5, .offset = 100, .length = 50});
    const auto again = Horizon::parse(horizon.newest(), horizon.text());
    BOOST_TEST_REQUIRE(again.has_value());
    BOOST_TEST((again->in(3) == 150U));
    BOOST_TEST((again->in(7) == 0U));
    BOOST_TEST(!again->in(5).has_value());
    BOOST_TEST(!again->in(9).has_value());
    BOOST_TEST((again->in(10) == 0U));
    BOOST_TEST(again->recoverable({.file = 3, .offset = 150, .length = 1, .sealed = 60}));
    BOOST_TEST(!again->recoverable({.file = 3, .offset = 149, .length = 1, .sealed = 60}));
    BOOST_TEST(!again->recoverable({.file = 3, .offset = 150, .length = 1}));
    BOOST_TEST(!again->recoverable({.file = 10, .offset = 150, .length = 1, .sealed = 60}));
    for (const auto* wrong : {"x", "0:0", "3", "3:", "3:4 x ", "3:4 5:y "})
        BOOST_TEST(!Horizon::parse(9, wrong).has_value(), wrong);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
