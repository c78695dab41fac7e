#include "daemons/mailboxd/pop3/maildrop.h"

#include <boost/test/unit_test.hpp>

using veredus::mailboxd::pop3::Maildrop;
namespace spool = veredus::spool;

namespace {

Maildrop three() {
    std::vector<spool::MessageRow> rows(3);
    rows[0].uid = 4;
    rows[0].size = 100;
    rows[1].uid = 7;
    rows[1].size = 200;
    rows[1].flags = spool::kSeen;
    rows[2].uid = 4000000000u;
    rows[2].size = 5000000000u;
    return {0x1234, rows};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(maildrop)

BOOST_AUTO_TEST_CASE(numbers_stay_when_a_message_is_deleted) {
    auto drop = three();
    BOOST_TEST(drop.count() == 3u);
    BOOST_TEST(drop.size() == 5000000300u);
    drop.remove(**drop.find(2));
    BOOST_TEST(drop.count() == 2u);
    BOOST_TEST(drop.size() == 5000000100u);
    BOOST_TEST((*drop.find(3))->row.uid == 4000000000u);
    BOOST_TEST(!drop.find(2));
    BOOST_TEST(drop.find(2).error().find("RSET") != std::string::npos);
    BOOST_TEST((drop.uids_deleted() == std::vector<std::uint32_t>{7}));
}

BOOST_AUTO_TEST_CASE(rset_takes_every_deletion_back) {
    auto drop = three();
    for (const std::uint32_t number : {1u, 2u, 3u})
        drop.remove(**drop.find(number));
    BOOST_TEST(drop.count() == 0u);
    BOOST_TEST(drop.size() == 0u);
    drop.restore_all();
    BOOST_TEST(drop.count() == 3u);
    BOOST_TEST(drop.size() == 5000000300u);
    BOOST_TEST(drop.uids_deleted().empty());
}

BOOST_AUTO_TEST_CASE(numbers_that_name_no_message) {
    auto drop = three();
    for (const std::uint32_t number : {0u, 4u, 4294967295u})
        BOOST_TEST(drop.find(number).error().find("from 1 to 3") != std::string::npos);
    Maildrop empty(1, {});
    BOOST_TEST(empty.find(1).error().find("empty") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(unique_ids_differ_by_message_and_by_mailbox) {
    auto drop = three();
    BOOST_TEST(drop.unique_id(**drop.find(1)) == "0000123400000004");
    BOOST_TEST(drop.unique_id(**drop.find(3)) == "00001234ee6b2800");
}

BOOST_AUTO_TEST_CASE(what_was_read_and_kept_is_seen) {
    auto drop = three();
    for (const std::uint32_t number : {1u, 2u, 3u})
        (*drop.find(number))->retrieved = true;
    drop.remove(**drop.find(3));
    BOOST_TEST((drop.uids_read() == std::vector<std::uint32_t>{4}));
}

BOOST_AUTO_TEST_SUITE_END()
