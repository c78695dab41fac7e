#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include <boost/test/unit_test.hpp>

#include "common/mail/digest.h"
#include "spool/body/body_file.h"
#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/body/empty_files.h"
#include "spool/disk/fault_disk.h"

namespace veredus::spool {
namespace {

constexpr std::int64_t kNow = 1'763'892'540'123'456;

struct Fixture {
    FaultDisk disk;
    std::unique_ptr<Directory> directory = disk.root().open_directory("body");
    BodyStore store{disk.root().open_directory("body")};

    Fixture() {
        store.recover({}, BodyStore::Unneeded::kRemove);
        disk.root().sync();
    }

    mail::BodyRef append(BodyStore::Lease& lease, SegmentWriter& writer, std::string_view text) {
        const auto body = writer.append(mail::QueueId::make(kNow, 1), "a@b.example", text);
        BOOST_TEST_REQUIRE(body.has_value());
        BOOST_TEST_REQUIRE(lease.claim(*body));
        return *body;
    }
    static SegmentWriter writer_for(const BodyStore::Lease& lease) {
        return {lease.open_for_writing(), lease.file(), lease.start(),
                SegmentWriter::Growth::kByRecord};
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(body_store)

BOOST_FIXTURE_TEST_CASE(what_was_written_is_read, Fixture) {
    const auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    const auto one = append(*lease, writer, "one\r\n");
    const auto two = append(*lease, writer, "two\r\n");
    BOOST_TEST(store.read(one).value() == "one\r\n");
    BOOST_TEST(store.read(two).value() == "two\r\n");
    BOOST_TEST(store.verify(two).has_value());
    BOOST_TEST(store.usage().files == 1U);
}

namespace {

constexpr std::string_view kEmpty = EmptyFiles::kSuffix;

// A store that keeps two files of what has left.
struct Keeping {
    FaultDisk disk;
    std::unique_ptr<Directory> directory = disk.root().open_directory("body");
    std::unique_ptr<BodyStore> store = a_store(disk);
    std::int64_t now = kNow;

    static std::unique_ptr<BodyStore> a_store(FaultDisk& disk) {
        auto store = std::make_unique<BodyStore>(disk.root().open_directory("body"), 2);
        store->recover({}, BodyStore::Unneeded::kRemove);
        return store;
    }
    mail::BodyRef add(std::string_view text) {
        const auto lease = store->create_single(++now);
        SingleFileWriter writer(lease->open_for_writing(), lease->file());
        writer.write(text);
        const auto body = writer.finish();
        BOOST_TEST_REQUIRE(lease->claim(body));
        BOOST_TEST(store->to_sync(std::array{body.file}).run().empty());
        return body;
    }
    std::size_t kept() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            directory->list(), [](const auto& name) { return name.ends_with(kEmpty); }));
    }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(the_file_of_a_message_that_has_left_is_the_next_ones, Keeping) {
    const auto first = add("one, which is longer\r\n");
    store->bury(first);
    BOOST_TEST(kept() == 1U);
    BOOST_TEST(store->usage().files == 0U);
    const auto second = add("two\r\n");
    BOOST_TEST(kept() == 0U);
    BOOST_TEST(directory->list().size() == 1U);
    BOOST_TEST(store->verify(second).has_value());
    BOOST_TEST(length_of_single(*store->open(second).value()) == second.length);
    // So it is after a loss of power.
    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    BodyStore again(after->root().open_directory("body"), 2);
    BOOST_TEST(again.recover({{second.file, 1}}, BodyStore::Unneeded::kRemove).empty());
    BOOST_TEST(again.verify(second).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_somebody_reads_or_has_linked_is_nobody_elses, Keeping) {
    const auto read = add("one\r\n");
    const auto reader = store->open(read).value();
    store->bury(read);
    const auto linked = add("two\r\n");
    BOOST_TEST(directory->link(*store->open(linked).value(), "mailbox"));
    store->bury(linked);
    BOOST_TEST(kept() == 0U);
    std::array<char, 5> bytes{};
    BOOST_TEST(reader->read(0, bytes) == bytes.size());
    BOOST_TEST(std::string_view(bytes.data(), bytes.size()) == "one\r\n");
}

BOOST_FIXTURE_TEST_CASE(no_more_are_kept_than_wanted, Keeping) {
    for (const auto& body : {add("one\r\n"), add("two\r\n"), add("three\r\n")})
        store->bury(body);
    BOOST_TEST(directory->list().size() == 2U);
    BOOST_TEST(kept() == 2U);
}

// The name is on the disk, that it is empty is not.
BOOST_FIXTURE_TEST_CASE(what_is_found_at_start_is_empty, Keeping) {
    store->bury(add("one\r\n"));
    directory->sync();
    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    const auto names = after->root().open_directory("body");
    const auto kept_bytes = [&] {
        BOOST_TEST_REQUIRE(names->list().at(0).ends_with(kEmpty));
        return names->open(names->list().at(0), Access::kRead)->size();
    };
    BOOST_TEST(kept_bytes() > 0U);
    const auto again = a_store(*after);
    BOOST_TEST(names->list().size() == 1U);
    BOOST_TEST(kept_bytes() == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_claim_is_good_once_and_for_written_bytes_alone, Fixture) {
    const auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    const auto one = append(*lease, writer, "one\r\n");
    const auto two = append(*lease, writer, "two\r\n");
    BOOST_TEST(!lease->claim(one));
    auto overlapping = one;
    overlapping.offset += 2;
    BOOST_TEST(!lease->claim(overlapping));
    auto into_two = one;
    into_two.offset = one.offset + one.length;
    into_two.length = two.offset - into_two.offset + 1;
    BOOST_TEST(!lease->claim(into_two));
    auto between = into_two;
    between.length -= 1;
    BOOST_TEST(lease->claim(between));
    auto header = one;
    header.offset = 0;
    BOOST_TEST(!lease->claim(header));
    auto beyond = two;
    beyond.offset += 2;
    beyond.length = 1'000;
    BOOST_TEST(!lease->claim(beyond));
    auto wrapped = two;
    wrapped.length = ~std::uint64_t{0};
    BOOST_TEST(!lease->claim(wrapped));
    auto elsewhere = two;
    elsewhere.file += 1;
    BOOST_TEST(!lease->claim(elsewhere));
}

BOOST_FIXTURE_TEST_CASE(a_file_goes_with_its_last_message, Fixture) {
    auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    append(*lease, writer, "one\r\n");
    append(*lease, writer, "two\r\n");
    const auto number = lease->file();
    store.drop_reference(number);
    store.drop_reference(number);
    BOOST_TEST(directory->list().size() == 1U);  // its writer may add more
    lease.reset();
    BOOST_TEST(directory->list().empty());

    lease = store.create_single(kNow);
    SingleFileWriter single(lease->open_for_writing(), lease->file());
    single.write("text");
    BOOST_TEST_REQUIRE(lease->claim(single.finish()));
    const auto single_number = lease->file();
    lease.reset();
    BOOST_TEST(directory->list().size() == 1U);
    store.drop_reference(single_number);
    BOOST_TEST(directory->list().empty());
}

BOOST_FIXTURE_TEST_CASE(numbers_never_come_twice, Fixture) {
    const auto first = store.create_segment(kNow)->file();
    BOOST_TEST(directory->list().empty());
    const auto second = store.create_single(kNow - 1'000'000)->file();
    BOOST_TEST(second > first);
    const auto kept = store.create_single(kNow + 5);
    BodyStore again(disk.root().open_directory("body"));
    again.recover({{kept->file(), 1}}, BodyStore::Unneeded::kRemove);
    BOOST_TEST(again.create_single(kNow)->file() > kept->file());
}

BOOST_FIXTURE_TEST_CASE(sync_makes_bytes_and_name_durable, Fixture) {
    const auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    const auto one = append(*lease, writer, "one\r\n");
    const std::vector<std::uint64_t> files{lease->file(), lease->file()};
    BOOST_TEST(store.to_sync(files).run().empty());
    const auto two = append(*lease, writer, "two\r\n");

    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    BodyStore again(after->root().open_directory("body"));
    BOOST_TEST(again.recover({{one.file, 2}}, BodyStore::Unneeded::kRemove).empty());
    BOOST_TEST(again.read(one).value() == "one\r\n");
    BOOST_TEST(!again.read(two).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_file_whose_writer_left_can_still_be_synced, Fixture) {
    auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    const auto one = append(*lease, writer, "one\r\n");
    lease.reset();
    const std::vector<std::uint64_t> files{one.file};
    BOOST_TEST(store.to_sync(files).run().empty());
    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    BodyStore again(after->root().open_directory("body"));
    BOOST_TEST(again.recover({{one.file, 1}}, BodyStore::Unneeded::kRemove).empty());
    BOOST_TEST(again.read(one).value() == "one\r\n");
}

BOOST_FIXTURE_TEST_CASE(a_file_whose_sync_failed_takes_no_more, Fixture) {
    const auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    append(*lease, writer, "one\r\n");
    const std::vector<std::uint64_t> files{lease->file()};
    auto set = store.to_sync(files);
    disk.set_plan({.fail_at = disk.operations() + 1});
    BOOST_TEST(set.run() == files, boost::test_tools::per_element());
    const auto two = writer.append(mail::QueueId::make(kNow, 1), "a@b.example", "two\r\n");
    BOOST_TEST(!lease->claim(*two));
    BOOST_TEST(set.run() == files, boost::test_tools::per_element());
    BOOST_TEST(store.to_sync(files).run() == files, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_failed_directory_sync_fails_new_files_alone, Fixture) {
    const auto old_lease = store.create_segment(kNow);
    auto old_writer = writer_for(*old_lease);
    append(*old_lease, old_writer, "one\r\n");
    const std::vector<std::uint64_t> old_files{old_lease->file()};
    BOOST_TEST(store.to_sync(old_files).run().empty());

    const auto new_lease = store.create_segment(kNow);
    auto new_writer = writer_for(*new_lease);
    append(*new_lease, new_writer, "two\r\n");
    const std::vector<std::uint64_t> both{old_lease->file(), new_lease->file()};
    auto set = store.to_sync(both);
    disk.set_plan({.fail_at = disk.operations() + 3});
    const std::vector<std::uint64_t> expected{new_lease->file()};
    BOOST_TEST(set.run() == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(recovery_sweeps_and_misses, Fixture) {
    const auto needed = store.create_segment(kNow);
    const auto orphan = store.create_segment(kNow);
    directory->create("stranger.txt");
    BodyStore again(disk.root().open_directory("body"));
    const auto faults =
        again.recover({{needed->file(), 3}, {kNow + 100, 2}}, BodyStore::Unneeded::kRemove);
    BOOST_TEST_REQUIRE(faults.size() == 1U);
    BOOST_TEST(faults[0].file == static_cast<std::uint64_t>(kNow + 100));
    BOOST_TEST(directory->list().size() == 2U);
    BOOST_TEST(directory->exists("stranger.txt"));
    BOOST_TEST(again.create_segment(kNow)->file() > static_cast<std::uint64_t>(kNow + 100));
}

BOOST_FIXTURE_TEST_CASE(without_a_database_bodies_are_put_aside_not_removed, Fixture) {
    const auto lease = store.create_segment(kNow);
    BodyStore again(disk.root().open_directory("body"));
    BOOST_TEST(again.recover({}, BodyStore::Unneeded::kPutAside).size() == 1U);
    BOOST_TEST_REQUIRE(directory->list().size() == 1U);
    BOOST_TEST(directory->list()[0].ends_with(".segment.orphan"));
    BodyStore once_more(disk.root().open_directory("body"));
    BOOST_TEST(once_more.recover({}, BodyStore::Unneeded::kRemove).empty());
    BOOST_TEST(directory->list().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(damage_is_told_apart, Fixture) {
    using enum BodyDamage::Kind;
    const auto lease = store.create_segment(kNow);
    auto writer = writer_for(*lease);
    const auto one = append(*lease, writer, "one\r\n");
    const auto kind_of = [&](const mail::BodyRef& body) {
        const auto read = store.read(body);
        const auto verified = store.verify(body);
        BOOST_TEST_REQUIRE(!read.has_value());
        BOOST_TEST_REQUIRE(!verified.has_value());
        BOOST_CHECK(read.error().kind == verified.error().kind);
        BOOST_TEST(!read.error().text.empty());
        return read.error().kind;
    };
    auto missing = one;
    missing.file += 1;
    BOOST_CHECK(kind_of(missing) == kMissing);
    auto too_long = one;
    too_long.length += 100;
    BOOST_CHECK(kind_of(too_long) == kShort);
    disk.set_plan({.unreadable_suffix = ".segment"});
    BOOST_CHECK(kind_of(one) == kUnreadable);
    disk.set_plan({});
    disk.flip_bit(*directory, directory->list()[0], one.offset + 2);
    BOOST_CHECK(kind_of(one) == kWrongDigest);
}

BOOST_FIXTURE_TEST_CASE(the_right_to_write_is_not_the_right_to_read, Fixture) {
    const auto lease = store.create_single(kNow);
    SingleFileWriter writer(lease->open_for_writing(), lease->file());
    writer.write(std::string(1'000'000, 'x'));
    const auto body = writer.finish();
    BOOST_TEST(lease->claim(body));
    BOOST_TEST(!lease->claim(body));
    BOOST_TEST(store.verify(body).has_value());
    const auto opened = store.open(body);
    BOOST_TEST_REQUIRE(opened.has_value());
    BOOST_TEST(length_of_single(**opened) == 1'000'000U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
