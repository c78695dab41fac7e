// A day in a mailbox, with the power cut and the disk failing at every operation in turn: what is
// there afterwards is what was there before the call that was cut, or after it, to the byte, the
// UID and the UIDVALIDITY.
#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>
#include <ostream>
#include <tuple>

#include "spool/disk/fault_disk.h"
#include "spool/mailbox/mailbox_store.h"

using namespace veredus;
using namespace veredus::spool;
using Uids = std::vector<std::uint32_t>;

namespace {

struct Contents {
    std::uint32_t uid_validity = 0;
    std::uint32_t uid_next = 0;
    std::map<std::uint32_t, std::tuple<Flags, std::string, std::string>> messages;
    bool operator==(const Contents&) const = default;
};
using State = std::map<std::string, Contents>;

State state_of(MailboxStore& store) {
    State out;
    for (const auto& mailbox : store.mailboxes()) {
        auto& contents = out[mailbox.name];
        contents.uid_validity = mailbox.uid_validity;
        contents.uid_next = mailbox.uid_next;
        for (const auto& row : store.messages(mailbox.id)) {
            auto message = store.open(row.content);
            contents.messages[row.uid] = {row.flags, row.keywords,
                                          message ? message->read_all() : message.error()};
        }
    }
    return out;
}

// One user's store on a disk, and what happens to it.
class Day {
  public:
    explicit Day(FaultDisk& disk) : disk_(disk) {}

    using Step = void (Day::*)();
    static const std::vector<Step>& steps();

    // The name of the directory is the parent process's to make durable.
    void open() {
        store_.reset();
        auto directory = disk_.root().open_directory("user");
        disk_.root().sync();
        store_ = std::make_unique<MailboxStore>(std::move(directory), [this] { return now_us_; });
    }
    void close() { store_.reset(); }
    MailboxStore& store() { return *store_; }

    void deliver_three() {
        now_us_ += 1'000'000;
        deliver(1, 3);
    }
    void deliver_large() { deliver(20, 1, std::string(300'000, 'L')); }
    // Again, as the queue does when it has not heard of the first time.
    void deliver_three_again() { deliver(1, 3); }
    void append_to_sent() {
        const NewMail mail{
            .text = "Subject: sent\r\n\r\n", .internal_date_us = now_us_, .flags = kSeen};
        store_->append(id("Sent"), std::span(&mail, 1));
    }
    void flag() {
        store_->change_flags(id("INBOX"), Uids{1, 2}, FlagChange::add, kSeen, {"$Forwarded"});
    }
    void create_levels() { (void)store_->create("lists/a"); }
    void copy_to_levels() { store_->copy(id("INBOX"), Uids{1, 4}, id("lists/a")); }
    void move_to_trash() { store_->move(id("INBOX"), Uids{2}, id("Trash")); }
    void expunge() { store_->expunge(id("INBOX"), Uids{1, 4}); }
    void rename_levels() { (void)store_->rename("lists", "old/lists"); }
    void rename_inbox() { (void)store_->rename("INBOX", "kept"); }
    void remove_levels() { (void)store_->remove("old/lists/a"); }
    void create_again() { (void)store_->create("old/lists/a"); }
    void fill_segment() { deliver(30, 12, std::string(100'000, 'x')); }
    void empty_segment() { store_->expunge(id("INBOX"), Uids{5, 6, 7, 8, 9, 10, 11, 12, 13, 14}); }
    void start_anew() {
        close();
        open();
    }
    void compact() {
        while (store_->compact()) {
        }
    }

  private:
    std::int64_t id(std::string_view name) { return store_->find(name).value().id; }
    void deliver(std::uint64_t first, std::uint32_t count, const std::string& body = "text\r\n") {
        std::vector<std::string> texts;
        for (std::uint32_t i = 0; i < count; ++i)
            texts.push_back("Subject: " + std::to_string(first + i) + "\r\n\r\n" + body);
        std::vector<Delivery> deliveries;
        for (std::uint32_t i = 0; i < count; ++i)
            deliveries.push_back({.id = mail::QueueId(first + i),
                                  .recipient = 1,
                                  .mail = {.text = texts[i], .internal_date_us = now_us_}});
        store_->deliver(deliveries);
    }

    FaultDisk& disk_;
    std::int64_t now_us_ = 1'763'892'540'000'000;
    std::unique_ptr<MailboxStore> store_;
};

const std::vector<Day::Step>& Day::steps() {
    static const std::vector<Step> all{
        &Day::open,         &Day::deliver_three, &Day::deliver_large,       &Day::append_to_sent,
        &Day::flag,         &Day::create_levels, &Day::copy_to_levels,      &Day::move_to_trash,
        &Day::expunge,      &Day::rename_levels, &Day::remove_levels,       &Day::create_again,
        &Day::fill_segment, &Day::start_anew,    &Day::deliver_three_again, &Day::empty_segment,
        &Day::compact,      &Day::start_anew,    &Day::rename_inbox,        &Day::close};
    return all;
}

// Runs the day until the disk fails; which step was cut, or nothing when none was.
std::optional<std::size_t> run(Day& day) {
    for (std::size_t i = 0; i < Day::steps().size(); ++i) {
        try {
            (day.*Day::steps()[i])();
        } catch (const DiskError&) {
            return i;
        } catch (const DatabaseError&) {
            return i;
        }
    }
    return std::nullopt;
}

// What is in the store after each step of an undisturbed day. The last step closes it.
std::vector<State> undisturbed() {
    FaultDisk disk;
    Day day(disk);
    std::vector<State> out;
    for (const auto step : Day::steps()) {
        (day.*step)();
        out.push_back(step == &Day::close ? out.back() : state_of(day.store()));
    }
    return out;
}

std::uint64_t operations_of_a_day() {
    FaultDisk disk;
    Day day(disk);
    BOOST_TEST(!run(day));
    return disk.operations();
}

// Step `cut` was begun and not finished.
void check_after(const std::vector<State>& states, std::size_t cut, const State& found,
                 const std::string& where) {
    const State& before = states[cut == 0 ? 0 : cut - 1];
    BOOST_TEST((found == before || found == states[cut]), where);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE(nothing_is_lost_or_doubled_wherever_the_power_goes) {
    const auto states = undisturbed();
    BOOST_TEST(states.back().at("kept").messages.size() == 3U);
    const auto operations = operations_of_a_day();
    BOOST_TEST_MESSAGE("operations in a day: " << operations);
    for (const auto loss : {FaultDisk::Loss::kAllUnsynced, FaultDisk::Loss::kRandom,
                            FaultDisk::Loss::kNothingSoFar}) {
        for (std::uint64_t cut = 1; cut <= operations; ++cut) {
            FaultDisk disk(cut);
            disk.set_plan({.cut_at = cut, .fail_at = {}, .unreadable_suffix = {}});
            Day day(disk);
            const auto step = run(day);
            day.close();
            const auto up_again = disk.after(loss);
            Day next(*up_again);
            const auto where = "loss " + std::to_string(static_cast<int>(loss)) + ", operation " +
                               std::to_string(cut);
            BOOST_REQUIRE_NO_THROW(next.open());
            check_after(states, step.value_or(states.size() - 1), state_of(next.store()), where);
            const auto findings = next.store().check();
            BOOST_TEST(findings.empty(), where << ": " << (findings.empty() ? "" : findings[0]));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_failing_disk_leaves_what_was_there) {
    const auto states = undisturbed();
    const auto operations = operations_of_a_day();
    for (const int code : {EIO, ENOSPC}) {
        for (std::uint64_t at = 1; at <= operations; ++at) {
            FaultDisk disk(at);
            disk.set_plan(
                {.cut_at = {}, .fail_at = at, .fail_code = code, .unreadable_suffix = {}});
            Day day(disk);
            const auto step = run(day);
            disk.set_plan({});
            const auto where = std::to_string(code) + " at operation " + std::to_string(at);
            BOOST_REQUIRE_NO_THROW(day.open());
            check_after(states, step.value_or(states.size() - 1), state_of(day.store()), where);
            const auto findings = day.store().check();
            BOOST_TEST(findings.empty(), where << ": " << (findings.empty() ? "" : findings[0]));
        }
    }
}

// The same process goes on after a failure.
BOOST_AUTO_TEST_CASE(a_full_disk_costs_nothing_that_is_stored) {
    FaultDisk disk;
    Day day(disk);
    for (std::size_t i = 0; i < 8; ++i)
        (day.*Day::steps()[i])();
    const auto before = state_of(day.store());
    std::uint64_t failures = 0;
    for (;; ++failures) {
        disk.set_plan({.cut_at = {},
                       .fail_at = disk.operations() + failures + 1,
                       .fail_code = ENOSPC,
                       .unreadable_suffix = {}});
        bool failed = false;
        try {
            day.expunge();
        } catch (const std::exception&) {
            failed = true;
        }
        disk.set_plan({});
        if (!failed) break;
        BOOST_TEST((state_of(day.store()) == before));
        // What the failed call would have freed must not be freed by the next one.
        day.flag();
        BOOST_TEST((state_of(day.store()) == before));
    }
    BOOST_TEST(failures > 0U);
    day.append_to_sent();
    day.start_anew();
    BOOST_TEST(state_of(day.store()).at("INBOX").messages.size() == 1U);
    BOOST_TEST(day.store().check().empty());
}

BOOST_AUTO_TEST_CASE(mail_whose_database_was_lost_is_taken_in_again) {
    FaultDisk disk;
    Day day(disk);
    for (std::size_t i = 0; i < 4; ++i)
        (day.*Day::steps()[i])();
    day.close();
    auto directory = disk.root().open_directory("user");
    for (const auto& name : directory->list())
        if (name.starts_with("mailbox.db")) directory->unlink(name);
    day.open();
    BOOST_TEST(day.store().found_at_start().size() == 2U);
    BOOST_TEST(!day.store().find("Recovered"));
    BOOST_TEST(day.store().repair().size() == 2U);
    const auto recovered = state_of(day.store()).at("Recovered");
    BOOST_TEST(recovered.messages.size() == 5U);
    BOOST_TEST(std::get<2>(recovered.messages.at(1)).starts_with("Subject: 1\r\n"));
    BOOST_TEST(day.store().repair().empty());
    day.start_anew();
    BOOST_TEST(day.store().found_at_start().empty());
    BOOST_TEST((state_of(day.store()).at("Recovered") == recovered));
}

BOOST_AUTO_TEST_SUITE_END()
