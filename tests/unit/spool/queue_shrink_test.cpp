#include <boost/test/unit_test.hpp>

#include "tests/unit/spool/queue_fixture.h"

namespace veredus::spool {
namespace {

// What a large queue leaves in the database.
struct Shrinking : QueueFixture {
    Shrinking() {
        for (int i = 0; i < 1000; ++i)
            ids.push_back(spool->accept("text\r\n", {recipient_at("a@b.example")}));
        const std::span gone(ids.begin() + kStay, ids.end());
        for (const auto& departure : queue().remove(gone, kTestNow))
            spool->bodies.drop_reference(departure.body.file);
        queue().settle_ledger(0);
        ids.resize(kStay);
        queue().checkpoint_ahead();
        queue().checkpoint_rest();
    }
    std::uint64_t size() { return disk.root().open("queue.db", Access::kRead)->size(); }
    void check_that_all_are_there() {
        reopen();
        BOOST_TEST(QueueReader(queue()).count({}) == ids.size());
        check_is_clean();
    }

    static constexpr std::size_t kStay = 5;
    static constexpr QueueStore::Worth kSmall{.free = 64 << 10};
    std::vector<mail::QueueId> ids;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_shrink, Shrinking)

BOOST_AUTO_TEST_CASE(the_file_gives_back_what_has_left) {
    const auto before = size();
    const auto given_back = queue().shrink(kSmall);
    BOOST_TEST(given_back > before / 2);
    BOOST_TEST(size() == before - given_back);
    BOOST_TEST(queue().shrink(kSmall) == 0U);
    check_that_all_are_there();
}

BOOST_AUTO_TEST_CASE(only_where_it_is_worth_it) {
    const auto before = size();
    BOOST_TEST(queue().shrink({}) == 0U);
    BOOST_TEST(queue().shrink({.free = 1, .times = 1000}) == 0U);
    BOOST_TEST(queue().shrink({.free = 1, .most = 1}) == 0U);
    BOOST_TEST(size() == before);
}

BOOST_AUTO_TEST_CASE(who_reads_meanwhile_sees_what_was_there) {
    DueReader reader(queue());
    const auto before = size();
    {
        const DueReader::Snapshot snapshot(reader);
        const auto due = [&] {
            DueCursor cursor;
            return reader.due(kTestNow, cursor, 100).size();
        };
        BOOST_TEST(due() == kStay);
        queue().shrink(kSmall);
        spool->accept("text\r\n", {recipient_at("a@b.example")});
        BOOST_TEST(due() == kStay);
        BOOST_TEST(size() == before);
    }
    queue().checkpoint_rest();
    BOOST_TEST(size() < before);
}

BOOST_AUTO_TEST_CASE(without_room_nothing_has_happened) {
    reopen();  // with a WAL that has no room of its own
    disk.set_room(0);
    BOOST_CHECK_EXCEPTION(queue().shrink(kSmall), DatabaseError,
                          [](const DatabaseError& error) { return error.disk_full(); });
    disk.set_room(1'000'000'000);
    BOOST_TEST(QueueReader(queue()).count({}) == ids.size());
    BOOST_TEST(queue().shrink(kSmall) > 0U);
    check_that_all_are_there();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
