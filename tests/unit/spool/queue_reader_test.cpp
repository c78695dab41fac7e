#include "spool/queue/queue_reader.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/unit/spool/queue_fixture.h"

namespace veredus::spool {
namespace {

using enum RecipientState;
using mail::FilterKey;
using mail::QueueFilter;
using mail::QueueState;
using Indices = std::vector<std::size_t>;

QueueFilter term(FilterKey key, std::string text) {
    return {.ids = {}, .terms = {{.key = key, .text = std::move(text)}}};
}
QueueFilter term(FilterKey key, std::int64_t number) {
    return {.ids = {}, .terms = {{.key = key, .text = {}, .number = number}}};
}
QueueFilter term(QueueState state) {
    return term(FilterKey::state, static_cast<std::int64_t>(state));
}
QueueFilter both(QueueFilter one, const QueueFilter& other) {
    one.terms.push_back(other.terms.at(0));
    return one;
}

// Three messages: one is held; two has one recipient relayed and one to go; three was deferred.
struct ReaderFixture : QueueFixture {
    Batch batch;
    std::optional<QueueReader> reader;

    ReaderFixture() {
        batch.arrivals.push_back(spool->make("one\r\n", {recipient_at("a@b.example")}));
        batch.arrivals.push_back(spool->make(
            std::string(1000, 'x'), {recipient_at("c@d.example"), recipient_at("a@b.example")},
            false, "Boss@A.example"));
        batch.arrivals.push_back(
            spool->make("three\r\n", {recipient_at("e@d.example")}, false, ""));
        batch.arrivals[1].envelope.message_id = "<two@a.example>";
        batch.arrivals[1].envelope.client.auth_user = "boss@a.example";
        spool->commit(batch);
        spool->record({outcome_of(id(1), 2, kRelayed), outcome_of(id(2), 1, kDeferred)});
        queue().hold(id(0), "Suspicious");
        reader.emplace(queue());
    }
    mail::QueueId id(std::size_t i) const { return batch.arrivals[i].envelope.id; }

    // Which of the three, by each of the ways to ask.
    Indices chosen(const QueueFilter& filter) {
        Indices indices;
        for (const auto found : reader->ids(filter, {}, 100)) {
            for (std::size_t i = 0; i < 3; ++i) {
                if (found == id(i)) indices.push_back(i);
            }
        }
        const auto listed = reader->list(filter, {}, 100);
        BOOST_TEST(listed.size() == indices.size());
        for (std::size_t i = 0; i < listed.size() && i < indices.size(); ++i)
            BOOST_CHECK(listed[i].envelope.id == id(indices[i]));
        BOOST_TEST(reader->count(filter) == indices.size());
        return indices;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_reader, ReaderFixture)

BOOST_AUTO_TEST_CASE(filters_choose_by_message) {
    BOOST_TEST(chosen({}) == (Indices{0, 1, 2}));
    BOOST_TEST(chosen({.ids = {id(1), id(2)}, .terms = {}}) == (Indices{1, 2}));
    BOOST_TEST(chosen({.ids = {mail::QueueId(5)}, .terms = {}}) == Indices{});
    BOOST_TEST(chosen(term(FilterKey::from, "boss@a.EXAMPLE")) == Indices{1});
    BOOST_TEST(chosen(term(FilterKey::from, "@a.example")) == (Indices{0, 1}));
    BOOST_TEST(chosen(term(FilterKey::from, "@example")) == Indices{});
    BOOST_TEST(chosen(term(FilterKey::from, "BOSS")) == Indices{1});
    BOOST_TEST(chosen(term(FilterKey::from, "")) == Indices{2});
    BOOST_TEST(chosen(term(FilterKey::user, "Boss@a.example")) == Indices{1});
    BOOST_TEST(chosen(term(FilterKey::message_id, "<two@a.example>")) == Indices{1});
    BOOST_TEST(chosen(term(FilterKey::larger, 999)) == Indices{1});
    BOOST_TEST(chosen(term(FilterKey::smaller, 7)) == Indices{0});
    BOOST_TEST(chosen(term(FilterKey::older, id(1).arrival_us())) == Indices{0});
    BOOST_TEST(chosen(term(FilterKey::newer, id(1).arrival_us())) == (Indices{1, 2}));
}

BOOST_AUTO_TEST_CASE(filters_choose_by_recipients_that_wait) {
    BOOST_TEST(chosen(term(FilterKey::to, "A@b.example")) == Indices{0});  // of 1 it was relayed
    BOOST_TEST(chosen(term(FilterKey::to, "@D.example")) == (Indices{1, 2}));
    BOOST_TEST(chosen(term(FilterKey::to, "e@")) == Indices{2});
    BOOST_TEST(chosen(term(FilterKey::domain, "D.example")) == (Indices{1, 2}));
    BOOST_TEST(chosen(term(FilterKey::attempts, 1)) == Indices{2});
    BOOST_TEST(chosen(term(FilterKey::attempts, 0)) == (Indices{0, 1, 2}));
    BOOST_TEST(chosen(term(FilterKey::reason, "OTHER side")) == Indices{2});
    BOOST_TEST(chosen(term(FilterKey::reason, "suspicious")) == Indices{0});
    BOOST_TEST(chosen(term(FilterKey::reason, "100%")) == Indices{});
}

BOOST_AUTO_TEST_CASE(filters_choose_by_state) {
    BOOST_TEST(chosen(term(QueueState::held)) == Indices{0});
    BOOST_TEST(chosen(term(QueueState::damaged)) == Indices{});
    BOOST_TEST(chosen(term(QueueState::queued)) == Indices{1});
    BOOST_TEST(chosen(term(QueueState::deferred)) == Indices{2});
    BOOST_TEST(chosen(term(QueueState::in_doubt)) == Indices{});
    queue().mark_damaged(id(2), "a bit");
    spool->record({outcome_of(id(1), 1, kInDoubt)});
    BOOST_TEST(chosen(term(QueueState::damaged)) == Indices{2});
    BOOST_TEST(chosen(term(QueueState::in_doubt)) == Indices{1});
}

// Terms about recipients hold together for one of them.
BOOST_AUTO_TEST_CASE(all_terms_hold) {
    const auto to_d = term(FilterKey::domain, "d.example");
    BOOST_TEST(chosen(both(to_d, term(FilterKey::larger, 999))) == Indices{1});
    BOOST_TEST(chosen(both(to_d, term(QueueState::deferred))) == Indices{2});
    BOOST_TEST(chosen(both(to_d, term(FilterKey::to, "a@b.example"))) == Indices{});
    auto of_one = to_d;
    of_one.ids = {id(0), id(2)};
    BOOST_TEST(chosen(of_one) == Indices{2});
}

BOOST_AUTO_TEST_CASE(pages_follow_one_another) {
    const auto first = reader->list({}, {}, 2);
    BOOST_REQUIRE(first.size() == 2U);
    BOOST_TEST(first[1].recipients.size() == 2U);
    BOOST_TEST(first[1].recipients[1].last_reply == "said the other side");
    BOOST_TEST(first[1].history.empty());
    const auto second = reader->list({}, first[1].envelope.id, 2, true);
    BOOST_REQUIRE(second.size() == 1U);
    BOOST_TEST(second[0].recipients.at(0).address == "e@d.example");
    BOOST_TEST(second[0].history.size() == 1U);
    BOOST_TEST(reader->list({}, second[0].envelope.id, 2).empty());
    const auto to_d = term(FilterKey::domain, "d.example");
    BOOST_TEST(reader->ids(to_d, {}, 1).size() == 1U);
    BOOST_CHECK(reader->ids(to_d, id(1), 1).at(0) == id(2));
}

// Recipients are read in one pass; messages that the filter leaves out lie between.
BOOST_AUTO_TEST_CASE(each_message_gets_its_own_recipients) {
    Batch many;
    for (int i = 0; i < 60; ++i) {
        std::vector<Recipient> recipients;
        for (int r = 0; r < 1 + i % 12; ++r)
            recipients.push_back(recipient_at(std::to_string(i) + "-" + std::to_string(r) +
                                              (i % 7 == 0 ? "@rare.example" : "@b.example")));
        many.arrivals.push_back(spool->make("x\r\n", std::move(recipients)));
    }
    spool->commit(many);
    for (const auto& filter : {QueueFilter{}, term(FilterKey::domain, "rare.example")}) {
        for (const auto& message : reader->list(filter, id(2), 100)) {
            const auto i = static_cast<std::size_t>(std::stoul(message.recipients.at(0).address));
            BOOST_CHECK(message.envelope.id == many.arrivals.at(i).envelope.id);
            BOOST_TEST(message.recipients.size() == 1 + i % 12);
        }
    }
    BOOST_TEST(reader->count(term(FilterKey::domain, "rare.example")) == 9U);
}

BOOST_AUTO_TEST_CASE(what_waits_is_counted) {
    BOOST_TEST(reader->waiting().deferred == 1U);
    BOOST_TEST(reader->waiting().held == 1U);
}

BOOST_AUTO_TEST_CASE(the_shape_counts_by_age) {
    constexpr std::int64_t kMinute = 60'000'000;
    using By = QueueReader::By;
    const auto now = id(2).arrival_us() + 5 * kMinute;  // 0 and 1 are older than five minutes
    const auto shape = reader->shape(By::kDestination, now);
    BOOST_REQUIRE(shape.size() == 2U);
    BOOST_TEST(shape[0].domain == "d.example");
    BOOST_TEST(shape[0].total == 2U);
    BOOST_TEST(shape[0].by_age[0] == 1U);
    BOOST_TEST(shape[0].by_age[1] == 1U);
    BOOST_TEST(shape[1].domain == "b.example");
    BOOST_TEST(shape[1].total == 1U);
    const auto senders = reader->shape(By::kSender, now + 10'000 * kMinute);
    BOOST_REQUIRE(senders.size() == 2U);
    BOOST_TEST(senders[0].domain == "a.example");
    BOOST_TEST(senders[0].by_age.back() == 2U);
    BOOST_TEST(senders[1].domain == "");
    // A clock that was set back makes nothing older.
    BOOST_TEST(reader->shape(By::kSender, 0).at(0).by_age[0] == 2U);
}

// The reader sees each commit whole, and neither waits for the other.
BOOST_AUTO_TEST_CASE(it_reads_while_the_store_writes) {
    constexpr int kRounds = 200;
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (int i = 0; i < kRounds; ++i) {
            Batch pair;
            pair.arrivals.push_back(spool->make("a\r\n", {recipient_at("a@pair.example")}));
            pair.arrivals.push_back(spool->make("b\r\n", {recipient_at("b@pair.example")}));
            spool->commit(pair);
        }
        done = true;
    });
    std::uint64_t last = 0;
    bool whole = true;
    bool onwards = true;
    while (!done) {
        const auto count = reader->count(term(FilterKey::domain, "pair.example"));
        whole = whole && count % 2 == 0;
        onwards = onwards && count >= last;
        last = count;
        for (const auto& message : reader->list({}, {}, 50))
            whole = whole && !message.recipients.empty();
    }
    writer.join();
    BOOST_TEST(whole);
    BOOST_TEST(onwards);
    BOOST_TEST(reader->count(term(FilterKey::domain, "pair.example")) == 2U * kRounds);
    check_is_clean();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
