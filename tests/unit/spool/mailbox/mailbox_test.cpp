#define BOOST_TEST_MODULE mailbox
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <numeric>

#include "spool/disk/real_disk.h"
#include "spool/mailbox/mailbox_store.h"
#include "spool/mailbox/names.h"
#include "tests/unit/spool/temporary_directory.h"

using namespace veredus;
using namespace veredus::spool;
namespace tt = boost::test_tools;
using Uids = std::vector<std::uint32_t>;
using Names = std::vector<std::string>;

namespace {

constexpr std::string_view kMail = "From: a@a.example\r\nSubject: hello\r\n\r\nbody\r\n";

struct Fixture {
    TemporaryDirectory place;
    std::int64_t now_us = 1'700'000'000'000'000;
    std::unique_ptr<MailboxStore> store = open();

    std::unique_ptr<MailboxStore> open() {
        return std::make_unique<MailboxStore>(open_real_directory(place.path()),
                                              [this] { return now_us; });
    }
    void reopen() {
        store.reset();
        store = open();
    }
    std::int64_t id(std::string_view name) { return store->find(name).value().id; }
    std::uint32_t add(std::string_view mailbox, std::string_view text = kMail) {
        const NewMail mail{.text = text, .internal_date_us = now_us};
        return store->append(id(mailbox), std::span(&mail, 1)).at(0);
    }
    Uids uids(std::string_view mailbox) {
        Uids out;
        for (const auto& row : store->messages(id(mailbox)))
            out.push_back(row.uid);
        return out;
    }
    std::string bytes(std::string_view mailbox, std::uint32_t uid) {
        return store->open(store->message(id(mailbox), uid).value().content).value().read_all();
    }
    Names names() {
        Names out;
        for (const auto& mailbox : store->mailboxes())
            out.push_back(mailbox.name);
        return out;
    }
    std::size_t body_files() {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(place.path() + "/body"))
            count += entry.is_regular_file() ? 1U : 0U;
        return count;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mailboxes, Fixture)

BOOST_AUTO_TEST_CASE(a_new_store_has_what_clients_look_for) {
    BOOST_TEST(names() == (Names{"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"}),
               tt::per_element());
    BOOST_TEST(store->find("inbox")->name == "INBOX");
    BOOST_TEST(store->find("Sent")->special_use == "\\Sent");
    BOOST_TEST(store->find("Sent")->subscribed);
}

BOOST_AUTO_TEST_CASE(levels_are_made_and_names_checked) {
    BOOST_TEST(store->create("a/b/c").has_value());
    BOOST_TEST(store->find("a/b").has_value());
    BOOST_TEST((store->create("A/b/c").has_value()));  // only INBOX has no case
    BOOST_TEST((store->create("a/b").error() == MailboxRefusal::already_exists));
    for (const auto* bad : {"", "/a", "a/", "a//b", "a\nb"})
        BOOST_TEST((store->create(bad).error() == MailboxRefusal::cannot), bad);
    BOOST_TEST((store->create("Spam", "\\Junk").error() == MailboxRefusal::cannot));
}

BOOST_AUTO_TEST_CASE(a_removed_mailbox_comes_back_with_a_higher_uidvalidity) {
    const auto first = store->create("x").value().uid_validity;
    add("x");
    BOOST_TEST(store->remove("x").has_value());
    BOOST_TEST(!store->find("x"));
    now_us -= 10'000'000'000;  // even if the clock went back
    const auto again = store->create("x").value();
    BOOST_TEST(again.uid_validity > first);
    BOOST_TEST(again.uid_next == 1U);
    BOOST_TEST(uids("x").empty());
    BOOST_TEST((store->remove("INBOX").error() == MailboxRefusal::cannot));
    BOOST_TEST((store->remove("nowhere").error() == MailboxRefusal::nonexistent));
}

BOOST_AUTO_TEST_CASE(a_parent_keeps_its_name_when_removed) {
    store->create("p/q");
    add("p");
    BOOST_TEST(store->remove("p").has_value());
    BOOST_TEST(!store->find("p")->selectable);
    BOOST_TEST(uids("p").empty());
    BOOST_TEST((store->remove("p").error() == MailboxRefusal::has_children));
    store->create("p");
    BOOST_TEST(store->find("p")->selectable);
    add("p");
    BOOST_TEST(store->status(id("p")).recent == 1U);
}

BOOST_AUTO_TEST_CASE(renaming_takes_children_along_and_inbox_stays) {
    store->create("old/child");
    add("old/child");
    const auto validity = store->find("old/child")->uid_validity;
    BOOST_TEST(store->rename("old", "new/place").has_value());
    BOOST_TEST(!store->find("old"));
    BOOST_TEST(store->find("new").has_value());
    BOOST_TEST(store->find("new/place/child")->uid_validity == validity);
    BOOST_TEST((store->rename("new", "new/x").error() == MailboxRefusal::cannot));
    BOOST_TEST((store->rename("new", "Sent").error() == MailboxRefusal::already_exists));
    add("INBOX");
    BOOST_TEST(store->rename("inbox", "kept").has_value());
    BOOST_TEST(uids("INBOX").empty());
    BOOST_TEST(uids("kept") == Uids{1}, tt::per_element());
    BOOST_TEST(store->find("INBOX")->uid_next == 2U);
}

BOOST_AUTO_TEST_CASE(a_subscription_needs_no_mailbox) {
    store->subscribe("gone", true);
    store->subscribe("Trash", false);
    BOOST_TEST(
        store->subscriptions() == (Names{"INBOX", "Archive", "Drafts", "Junk", "Sent", "gone"}),
        tt::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(messages, Fixture)

BOOST_AUTO_TEST_CASE(what_is_stored_comes_back_after_reopening) {
    BOOST_TEST(add("INBOX") == 1U);
    BOOST_TEST(add("INBOX", "Subject: two\r\n\r\n") == 2U);
    const std::string large = "Subject: large\r\n\r\n" + std::string(3 << 20, 'x');
    BOOST_TEST(add("INBOX", large) == 3U);
    BOOST_TEST(add("INBOX", "") == 4U);
    reopen();
    BOOST_TEST(uids("INBOX") == (Uids{1, 2, 3, 4}), tt::per_element());
    BOOST_TEST(bytes("INBOX", 1) == kMail);
    BOOST_TEST((bytes("INBOX", 3) == large));
    BOOST_TEST(bytes("INBOX", 4) == "");
    const auto row = store->message(id("INBOX"), 2).value();
    BOOST_TEST(row.size == 16U);
    BOOST_TEST(store->structure(row.content).envelope.contains("\"two\""));
    BOOST_TEST(store->check().empty());
    BOOST_TEST(add("INBOX") == 5U);
}

BOOST_AUTO_TEST_CASE(uids_only_grow) {
    for (int i = 0; i < 3; ++i)
        add("INBOX");
    const Uids all{1, 2, 3};
    BOOST_TEST(store->expunge(id("INBOX"), all) == all, tt::per_element());
    reopen();
    BOOST_TEST(add("INBOX") == 4U);
}

BOOST_AUTO_TEST_CASE(a_delivery_made_twice_is_there_once) {
    Delivery delivery{.id = mail::QueueId(77),
                      .recipient = 1,
                      .mail = {.text = kMail, .internal_date_us = now_us}};
    store->deliver(std::span(&delivery, 1));
    reopen();
    store->deliver(std::span(&delivery, 1));
    BOOST_TEST(uids("INBOX") == Uids{1}, tt::per_element());
    delivery.recipient = 2;
    store->deliver(std::span(&delivery, 1));
    BOOST_TEST(uids("INBOX") == (Uids{1, 2}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(a_delivery_that_comes_twice_at_once_is_there_once) {
    const Delivery delivery{.id = mail::QueueId(78),
                            .recipient = 1,
                            .mail = {.text = kMail, .internal_date_us = now_us}};
    const std::vector<Delivery> twice{delivery, delivery};
    store->deliver(twice);
    BOOST_TEST(uids("INBOX") == Uids{1}, tt::per_element());
}

// imapsync and others set a keyword again and again that comes back in another case.
BOOST_AUTO_TEST_CASE(a_keyword_is_spelled_as_it_was_first) {
    add("INBOX");
    add("INBOX");
    const auto inbox = id("INBOX");
    store->change_flags(inbox, Uids{1}, FlagChange::add, 0, {"$MdnSent"});
    const auto second = store->change_flags(inbox, Uids{2}, FlagChange::add, 0, {"$MDNSent"});
    BOOST_TEST(second.at(0).keywords == "$MdnSent");
    store->copy(inbox, Uids{1}, id("Archive"));
    BOOST_TEST(store->keywords(id("Archive")) == Names{"$MdnSent"}, tt::per_element());
}

BOOST_AUTO_TEST_CASE(flags_and_keywords_change_by_set_and_say_what_changed) {
    add("INBOX");
    add("INBOX");
    const auto inbox = id("INBOX");
    const Uids both{1, 2};
    const auto first =
        store->change_flags(inbox, both, FlagChange::add, kSeen, {"$Forwarded", "x"});
    BOOST_TEST(first.size() == 2U);
    BOOST_TEST(first[0].keywords == "$Forwarded x");
    BOOST_TEST(store->change_flags(inbox, both, FlagChange::add, kSeen, {"$FORWARDED"}).empty());
    const Uids one{1};
    const auto removed = store->change_flags(inbox, one, FlagChange::remove, kSeen, {"X"});
    BOOST_TEST(removed.at(0).flags == 0);
    BOOST_TEST(removed.at(0).keywords == "$Forwarded");
    const auto replaced =
        store->change_flags(inbox, one, FlagChange::replace, kDeleted | kDraft, {});
    BOOST_TEST(replaced.at(0).flags == (kDeleted | kDraft));
    BOOST_TEST(replaced.at(0).keywords == "");
    BOOST_TEST(store->keywords(inbox) == (Names{"$Forwarded", "x"}), tt::per_element());
    BOOST_TEST(store->status(inbox).unseen == 1U);
}

BOOST_AUTO_TEST_CASE(copies_share_their_bytes_and_the_last_one_frees_them) {
    const std::string large(400'000, 'y');
    add("INBOX", large);
    const auto before = body_files();
    const Uids one{1};
    const auto copied = store->copy(id("INBOX"), one, id("Archive"));
    BOOST_TEST(copied.to == Uids{1}, tt::per_element());
    BOOST_TEST(body_files() == before);
    store->expunge(id("INBOX"), one);
    BOOST_TEST((bytes("Archive", 1) == large));
    store->move(id("Archive"), one, id("Trash"));
    BOOST_TEST(uids("Archive").empty());
    store->expunge(id("Trash"), one);
    BOOST_TEST(body_files() < before);
}

BOOST_AUTO_TEST_CASE(a_session_learns_what_another_did) {
    add("INBOX");
    add("INBOX");
    const auto inbox = id("INBOX");
    auto seen = store->find(inbox)->highest_modseq;
    int woken = 0;
    const MailboxStore::Subscription subscription(*store, inbox, [&] { ++woken; });
    BOOST_TEST(store->changes(inbox, seen).changed.empty());
    const Uids one{1};
    store->change_flags(inbox, one, FlagChange::add, kFlagged, {});
    add("INBOX");
    const Uids two{2};
    store->expunge(inbox, two);
    add("Sent");
    BOOST_TEST(woken == 3);
    const auto changes = store->changes(inbox, seen);
    BOOST_TEST(changes.changed.size() == 2U);
    BOOST_TEST(changes.changed.at(0).flags == kFlagged);
    BOOST_TEST(changes.changed.at(1).uid == 3U);
    BOOST_TEST(changes.vanished == two, tt::per_element());
    BOOST_TEST(store->changes(inbox, changes.modseq).changed.empty());
}

BOOST_AUTO_TEST_CASE(recent_is_claimed_once) {
    add("INBOX");
    BOOST_TEST(store->status(id("INBOX")).recent == 1U);
    BOOST_TEST(store->claim_recent(id("INBOX")) == 1U);
    BOOST_TEST(store->claim_recent(id("INBOX")) == 2U);
    BOOST_TEST(store->status(id("INBOX")).recent == 0U);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_is_reported) {
    add("INBOX");
    store.reset();
    for (const auto& entry : std::filesystem::directory_iterator(place.path() + "/body")) {
        auto file = place.directory().open_directory("body")->open(entry.path().filename().string(),
                                                                   Access::kReadWrite);
        file->write(file->size() - 5, "X");
    }
    store = open();
    BOOST_TEST(!store->open(store->message(id("INBOX"), 1)->content));
    BOOST_TEST(store->check().size() == 1U);
}

BOOST_AUTO_TEST_CASE(small_segments_are_put_together) {
    constexpr std::uint32_t kRuns = 20;
    for (std::uint32_t i = 1; i <= kRuns; ++i) {
        reopen();
        add("INBOX", "Subject: " + std::to_string(i) + "\r\n\r\n");
    }
    BOOST_TEST(body_files() == kRuns);
    while (store->compact()) {
    }
    BOOST_TEST(body_files() == 1U);
    reopen();
    BOOST_TEST(store->check().empty());
    for (std::uint32_t i = 1; i <= kRuns; ++i)
        BOOST_TEST(bytes("INBOX", i) == "Subject: " + std::to_string(i) + "\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(what_is_damaged_stays_where_it_is) {
    for (std::uint32_t i = 1; i <= 17; ++i) {
        reopen();
        add("INBOX");
    }
    store.reset();
    const auto names = place.directory().open_directory("body")->list();
    auto file = place.directory().open_directory("body")->open(names[3], Access::kReadWrite);
    file->write(file->size() - 5, "X");
    store = open();
    while (store->compact()) {
    }
    BOOST_TEST(body_files() == 2U);
    const auto findings = store->check();
    BOOST_TEST(findings.size() == 1U);
    BOOST_TEST(findings.at(0).starts_with("INBOX, UID 4: "));
}

BOOST_AUTO_TEST_CASE(sparse_segments_give_back_their_space) {
    const std::string text = "Subject: x\r\n\r\n" + std::string(100'000, 'z');
    for (int i = 0; i < 20; ++i)
        add("INBOX", text);
    store.reset();
    store = open();
    Uids most(18);
    std::iota(most.begin(), most.end(), 1);
    store->expunge(id("INBOX"), most);
    store->compact();
    std::uintmax_t total = 0;
    for (const auto& entry : std::filesystem::directory_iterator(place.path() + "/body"))
        total += entry.file_size();
    BOOST_TEST(total < 400'000U);
    BOOST_TEST((bytes("INBOX", 19) == text));
    reopen();
    BOOST_TEST((bytes("INBOX", 20) == text));
    BOOST_TEST(store->check().empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(names_have_levels) {
    BOOST_TEST(canonical_mailbox_name("inBox/x") == "INBOX/x");
    BOOST_TEST(canonical_mailbox_name("Inboxes") == "Inboxes");
    BOOST_TEST(levels_above("a/b/c") == (Names{"a", "a/b"}), tt::per_element());
}
