#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/unit/spool/queue_fixture.h"

namespace veredus::spool {
namespace {

struct Checkpoints : QueueFixture {
    void accept(int messages) {
        for (; messages > 0; --messages)
            ids.push_back(spool->accept("text\r\n", {recipient_at("a@b.example")}));
    }
    // How often the WAL has begun anew (sqlite.org/fileformat2.html, 4.1: the checkpoint sequence
    // number), as the last commit left it.
    unsigned beginnings() {
        std::string number(4, '\0');
        disk.root().open("queue.db-wal", Access::kRead)->read(12, number);
        unsigned out = 0;
        for (const char byte : number)
            out = out << 8 | static_cast<unsigned char>(byte);
        return out;
    }
    void check_that_it_begins_anew() {
        const auto before = beginnings();
        accept(1);
        BOOST_TEST(beginnings() == before + 1);
    }
    void check_that_all_are_there() {
        reopen();
        BOOST_TEST(QueueReader(queue()).count({}) == ids.size());
        check_is_clean();
    }

    std::vector<mail::QueueId> ids;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_checkpoint, Checkpoints)

BOOST_AUTO_TEST_CASE(the_wal_begins_anew_after_it) {
    accept(20);
    const auto before = beginnings();
    accept(1);
    BOOST_TEST(beginnings() == before);
    queue().checkpoint_ahead();
    accept(1);  // the first step has left nothing to the second
    BOOST_TEST(beginnings() == before + 1);
    accept(1);
    BOOST_TEST(beginnings() == before + 1);
    queue().checkpoint_rest();
    accept(1);
    BOOST_TEST(beginnings() == before + 2);
    check_that_all_are_there();
}

BOOST_AUTO_TEST_CASE(the_first_goes_beside_commits) {
    accept(1);
    std::atomic<bool> accepted = false;
    int checkpoints = 0;
    std::thread ahead([&] {
        while (!accepted || checkpoints == 0) {
            queue().checkpoint_ahead();
            ++checkpoints;
        }
    });
    accept(200);
    accepted = true;
    ahead.join();
    queue().checkpoint_rest();
    check_that_it_begins_anew();
    check_that_all_are_there();
}

BOOST_AUTO_TEST_CASE(without_room_it_can_be_tried_again) {
    accept(200);
    disk.set_room(0);
    const auto no_room = [](const DatabaseError& error) { return error.disk_full(); };
    BOOST_CHECK_EXCEPTION(queue().checkpoint_ahead(), DatabaseError, no_room);
    BOOST_CHECK_EXCEPTION(queue().checkpoint_rest(), DatabaseError, no_room);
    disk.set_room(1'000'000'000);
    queue().checkpoint_ahead();
    queue().checkpoint_rest();
    check_that_it_begins_anew();
    check_that_all_are_there();
}

// What the kernel lost of the WAL must not be missing beside what a checkpoint made of it.
BOOST_AUTO_TEST_CASE(after_a_failed_sync_nothing_is_brought_over) {
    accept(3);
    disk.set_plan({.cut_at = {}, .fail_at = disk.operations() + 1, .unreadable_suffix = {}});
    BOOST_CHECK_THROW(queue().checkpoint_ahead(), DatabaseError);
    disk.set_plan({});
    BOOST_CHECK_THROW(queue().checkpoint_ahead(), DatabaseError);
    spool->seal(false);  // else it would be accepted, and found in its segment
    BOOST_CHECK_THROW(accept(1), DatabaseError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
