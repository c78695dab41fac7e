// Messages that are acknowledged ahead of their rows.
#include <boost/test/unit_test.hpp>

#include "tests/unit/spool/queue_fixture.h"

namespace veredus::spool {
namespace {

struct EntranceFixture : QueueFixture {
    NewMessage make(std::string_view text = "text\r\n") {
        return spool->make(text, {recipient_at("x@b.example")});
    }
    NewMessage make_with(std::uint64_t id) {
        NewMessage message;
        message.envelope.id = mail::QueueId(id);
        message.recipients = {recipient_at("x@b.example")};
        spool->write_body(message, "text\r\n");
        return message;
    }
    bool may_go(const NewMessage& message, bool wanted = true) {
        return spool->entrance.may_go_ahead(message, wanted);
    }
    // As it is acknowledged.
    NewMessage go_ahead(std::size_t recipients = 1) {
        std::vector<Recipient> to(recipients, recipient_at("x@b.example"));
        auto message = spool->make("text\r\n", std::move(to));
        BOOST_TEST_REQUIRE(may_go(message));
        const std::vector file{message.envelope.body.file};
        BOOST_TEST_REQUIRE(spool->bodies.to_sync(file).run().empty());
        return message;
    }
    void commit(std::vector<NewMessage> ahead, std::vector<NewMessage> arrivals) {
        Batch batch;
        batch.ahead = std::move(ahead);
        batch.arrivals = std::move(arrivals);
        spool->commit(batch);
    }
};

using Ids = std::vector<mail::QueueId>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(entrance, EntranceFixture)

BOOST_AUTO_TEST_CASE(a_message_in_its_segment_may_go_ahead_of_its_row) {
    BOOST_TEST(may_go(make()));
    BOOST_TEST(!may_go(make(), false));
    BOOST_TEST(!may_go(make(std::string(kSingleFileThreshold + 1, 'x'))));
    spool->seal(false);
    BOOST_TEST(!may_go(make()));
}

BOOST_AUTO_TEST_CASE(what_stands_before_another_that_has_arrived_does_not) {
    const auto first = make();
    const auto second = make();
    BOOST_TEST(may_go(second));
    BOOST_TEST(!may_go(first));
}

BOOST_AUTO_TEST_CASE(an_id_goes_ahead_once_and_when_no_row_can_have_it) {
    spool->entrance.start(mail::QueueId(1000));
    BOOST_TEST(!may_go(make_with(1000)));
    BOOST_TEST(may_go(make_with(1002)));
    BOOST_TEST(!may_go(make_with(1002)));
    BOOST_TEST(may_go(make_with(1001)));
    spool->entrance.note(mail::QueueId(1003));
    BOOST_TEST(!may_go(make_with(1003)));
}

// So that it takes no more memory with each.
BOOST_AUTO_TEST_CASE(an_id_of_long_ago_is_not_known_to_be_new) {
    for (std::uint64_t id = 10; id < 10'000; ++id)
        spool->entrance.note(mail::QueueId(id));
    BOOST_TEST(!may_go(make_with(5)));
    BOOST_TEST(may_go(make_with(10'000)));
}

BOOST_AUTO_TEST_CASE(it_comes_back_from_a_segment_whose_writer_has_gone) {
    const auto message = go_ahead();
    spool->start_new_segment();
    commit({}, {make()});
    commit({}, {spool->make(std::string(kSingleFileThreshold + 1, 'x'),
                            {recipient_at("y@b.example")})});
    BOOST_TEST((crash().adopted == Ids{message.envelope.id}));
}

BOOST_AUTO_TEST_CASE(a_segment_is_open_until_its_last_message_has_a_row) {
    const auto one = go_ahead();
    const auto other = go_ahead();
    const auto open = [this] { return spool->bodies.segments().open.size(); };
    spool->start_new_segment();
    BOOST_TEST(open() == 1U);
    commit({one}, {});
    BOOST_TEST(open() == 1U);
    commit({other}, {});
    BOOST_TEST(open() == 0U);
}

// Its row's commit may be beyond the mark, and all the same it is not taken for one that nobody was
// told of.
BOOST_AUTO_TEST_CASE(damage_to_it_is_told) {
    const auto message = go_ahead();
    commit({message}, {});
    commit({}, {spool->make(std::string(kSingleFileThreshold + 1, 'x'),
                            {recipient_at("y@b.example")})});
    auto single =
        spool->make(std::string(kSingleFileThreshold + 1, 'x'), {recipient_at("z@b.example")});
    const auto last = go_ahead();
    commit({last}, {std::move(single)});
    const auto directory = disk.root().open_directory("body");
    const auto file = open_body_file(*directory, last.envelope.body.file, Access::kWrite);
    file.first->write(last.envelope.body.offset, "TEXT");
    file.first->sync();
    BOOST_TEST(crash().dropped.empty());
    BOOST_TEST(spool->queue.check(&spool->bodies).size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_done_before_it_has_a_row_leaves_its_story_alone) {
    Batch batch;
    const auto message = go_ahead(2);
    const auto id = message.envelope.id;
    batch.ahead = {message};
    batch.outcomes = {outcome_of(id, 2, RecipientState::kFailed),
                      outcome_of(id, 1, RecipientState::kRelayed)};
    const auto committed = spool->commit(batch);
    BOOST_TEST(committed.departures.size() == 1U);
    BOOST_TEST(committed.stale.empty());
    crash();
    BOOST_TEST(!spool->queue.show(id).has_value());
    const auto stories = stories_in(after->root());
    BOOST_TEST_REQUIRE(stories.size() == 1U);
    BOOST_TEST(stories[0].state == "done");
    BOOST_TEST_REQUIRE(stories[0].recipients.size() == 2U);
    BOOST_TEST(stories[0].recipients[0].attempts.at(0).state == "relayed");
    BOOST_TEST(stories[0].recipients[1].attempts.at(0).state == "failed");
}

BOOST_AUTO_TEST_CASE(what_is_not_done_gets_its_row) {
    using enum RecipientState;
    for (const auto state : {kDeferred, kExpanded, kInDoubt}) {
        Batch batch;
        const auto message = go_ahead(2);
        const auto id = message.envelope.id;
        batch.ahead = {message};
        batch.outcomes = {outcome_of(id, 1, kRelayed), outcome_of(id, 2, state)};
        batch.outcomes[1].expanded_to = {recipient_at("z@b.example")};
        BOOST_TEST(spool->commit(batch).departures.empty());
        BOOST_TEST((state_of(id, 1) == kRelayed));
        BOOST_TEST((state_of(id, 2) == state));
    }
    Batch batch;
    const auto message = go_ahead(2);
    batch.ahead = {message};
    batch.outcomes = {outcome_of(message.envelope.id, 1, kRelayed),
                      outcome_of(message.envelope.id, 1, kRelayed)};
    BOOST_TEST(spool->commit(batch).stale.size() == 1U);
    BOOST_TEST((state_of(message.envelope.id, 2) == kReady));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
