// How long a large mailbox takes on this disk: printed (with -l message), not judged.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <numeric>

#include "spool/mailbox/mailbox_store.h"
#include "tests/unit/spool/temporary_directory.h"

using namespace veredus;
using namespace veredus::spool;

namespace {

constexpr std::uint32_t kMessages = 20'000;
constexpr std::uint32_t kPerCommit = 64;

template <class Work>
void timed(const char* what, Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE(what << ": " << spent.count() << " ms");
}

void deliver_many(MailboxStore& store) {
    const std::string text =
        "From: a@a.example\r\nTo: b@b.example\r\nSubject: many\r\n\r\n" + std::string(1500, 'x');
    for (std::uint32_t from = 0; from < kMessages; from += kPerCommit) {
        std::vector<Delivery> group;
        for (std::uint32_t i = from; i < std::min(from + kPerCommit, kMessages); ++i)
            group.push_back({.id = mail::QueueId(i), .recipient = 1, .mail = {.text = text}});
        store.deliver(group);
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(twenty_thousand_messages) {
    TemporaryDirectory place;
    const auto clock = [] { return std::int64_t{1'763'892'540'000'000}; };
    auto store = std::make_unique<MailboxStore>(open_real_directory(place.path()), clock);
    const auto inbox = store->find("INBOX")->id;
    timed("deliver", [&] { deliver_many(*store); });
    std::vector<MessageRow> rows;
    timed("list", [&] { rows = store->messages(inbox); });
    BOOST_TEST(rows.size() == kMessages);
    std::vector<std::uint32_t> uids(kMessages);
    std::iota(uids.begin(), uids.end(), 1);
    timed("flag all", [&] { store->change_flags(inbox, uids, FlagChange::add, kSeen, {}); });
    timed("changes", [&] { BOOST_TEST(store->changes(inbox, 1).changed.size() == kMessages); });
    timed("copy all", [&] { store->copy(inbox, uids, store->find("Archive")->id); });
    timed("read all", [&] {
        for (const auto& row : rows)
            BOOST_REQUIRE(store->open(row.content).has_value());
    });
    timed("expunge all", [&] { BOOST_TEST(store->expunge(inbox, uids).size() == kMessages); });
    BOOST_TEST(store->status(store->find("Archive")->id).messages == kMessages);
    timed("open", [&] {
        store.reset();
        store = std::make_unique<MailboxStore>(open_real_directory(place.path()), clock);
    });
    timed("check", [&] { BOOST_TEST(store->check().empty()); });
}
