// Space comes back when messages leave, also while others stay.
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>

#include <boost/test/unit_test.hpp>

#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/body/record.h"
#include "spool/disk/fault_disk.h"
#include "spool/disk/real_disk.h"
#include "tests/unit/spool/test_spool.h"

namespace veredus::spool {
namespace {

constexpr std::int64_t kNow = 1'763'892'540'123'456;

struct Segment {
    BodyStore store;
    std::unique_ptr<BodyStore::Lease> lease;
    std::optional<SegmentWriter> writer;
    std::vector<std::pair<mail::BodyRef, std::string>> messages;

    explicit Segment(std::unique_ptr<Directory> directory) : store(std::move(directory)) {
        store.recover({}, BodyStore::Unneeded::kRemove);
        lease = store.create_segment(kNow);
        writer.emplace(lease->open_for_writing(), lease->file(), lease->start(),
                       SegmentWriter::Growth::kByRecord);
    }
    void fill(std::size_t count, std::size_t size) {
        for (std::size_t i = 0; i < count; ++i) {
            std::string text(size + i % 7, static_cast<char>('a' + i % 26));
            const auto body =
                writer->append(mail::QueueId::make(kNow, std::uint16_t(i)), "a@b.example", text);
            BOOST_TEST_REQUIRE(body.has_value());
            BOOST_TEST_REQUIRE(lease->claim(*body));
            messages.emplace_back(*body, std::move(text));
        }
    }
    // All but each `nth` leave.
    void keep_each(std::size_t nth) {
        std::vector<std::pair<mail::BodyRef, std::string>> kept;
        for (std::size_t i = 0; i < messages.size(); ++i) {
            if (i % nth == 0)
                kept.push_back(std::move(messages[i]));
            else
                store.bury(messages[i].first);
        }
        messages = std::move(kept);
    }
    void all_are_well() const {
        for (const auto& [body, text] : messages)
            BOOST_TEST((store.read(body) == text));
    }
};

struct RealDirectory {
    std::string path = (std::filesystem::temp_directory_path() / "veredus-XXXXXX").string();
    RealDirectory() { BOOST_REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~RealDirectory() { std::filesystem::remove_all(path); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(compaction)

BOOST_AUTO_TEST_CASE(no_record_is_shorter_than_the_shortest) {
    BOOST_TEST(encode_record_head({.reverse_path = "a"}).size() == kShortestHead);
    BOOST_TEST(
        encode_record_head({.reverse_path = std::string(256, 'a'), .length = 1ULL << 63}).size() <
        kLongestHead);
}

BOOST_AUTO_TEST_CASE(neighbours_are_joined_and_told_once) {
    DeadRanges dead;
    const auto text = [&] {
        std::string out;
        for (const auto& range : dead.take())
            out += std::to_string(range.start) + "-" + std::to_string(range.end) + " ";
        return out;
    };
    dead.add(5000, 6000);
    dead.add(1000, 2000);
    BOOST_TEST(dead.fresh() == 2000U);
    BOOST_TEST(text() == "1000-2000 5000-6000 ");
    BOOST_TEST(dead.fresh() == 0U);
    BOOST_TEST(text().empty());
    dead.add(2150, 3000);  // a record's end and line between them
    BOOST_TEST(text() == "1000-3000 ");
    dead.add(3198, 4000);  // an empty message may be between
    BOOST_TEST(text() == "3198-4000 ");
    dead.add(4197, 4900);
    BOOST_TEST(text() == "3198-6000 ");
}

BOOST_AUTO_TEST_CASE(what_stays_is_untouched_and_the_rest_comes_back) {
    const RealDirectory place;
    Segment segment(open_real_directory(place.path));
    segment.fill(2000, 4096);
    const auto before = segment.store.usage().bytes;
    BOOST_TEST(segment.store.to_compact().empty());
    segment.keep_each(20);
    const auto compaction = segment.store.to_compact();
    BOOST_TEST(compaction.run() == "");
    BOOST_TEST(segment.store.usage().bytes < before / 6);
    segment.all_are_well();
    BOOST_TEST(segment.store.to_compact(1).empty());
    // Also what is written to it later.
    segment.keep_each(segment.messages.size());
    segment.store.to_compact(1).run();
    BOOST_TEST(segment.store.usage().bytes < before / 100);
    segment.all_are_well();
}

BOOST_AUTO_TEST_CASE(what_died_before_a_restart_comes_back_too) {
    const RealDirectory place;
    std::vector<std::pair<mail::BodyRef, std::string>> kept;
    {
        Segment segment(open_real_directory(place.path));
        segment.fill(1000, 4096);
        segment.keep_each(100);
        kept = segment.messages;
    }
    BodyStore store(open_real_directory(place.path));
    const auto file = kept.front().first.file;
    store.recover({{file, kept.size()}}, BodyStore::Unneeded::kRemove);
    const auto before = store.usage().bytes;
    BOOST_TEST(store.sparse_segments({{file, 4'000'000}}).empty());
    const std::vector<std::uint64_t> expected{file};
    BOOST_TEST(store.sparse_segments({{file, 41'000}}) == expected,
               boost::test_tools::per_element());
    std::vector<mail::BodyRef> living;
    for (const auto& [body, text] : kept)
        living.push_back(body);
    store.only_living(file, living);
    store.to_compact().run();
    BOOST_TEST(store.usage().bytes < before / 20);
    for (const auto& [body, text] : kept)
        BOOST_TEST((store.read(body) == text));
    // And their records can be found without a database.
    const auto name = open_real_directory(place.path)->list().front();
    const auto raw = open_real_directory(place.path)->open(name, Access::kRead);
    const auto records = find_records(*raw, file);
    for (const auto& [body, text] : kept) {
        const auto is_it = [&](const auto& found) { return found.intact && found.body == body; };
        BOOST_TEST(std::ranges::count_if(records, is_it) == 1);
    }
    BOOST_TEST(records.size() < 5 * kept.size());
}

// The same with the queue's database, which knows what lives.
BOOST_AUTO_TEST_CASE(recovery_finds_what_is_dead) {
    FaultDisk disk;
    std::vector<mail::QueueId> ids;
    {
        TestSpool spool(disk.root());
        spool.recover();
        Batch batch;
        for (int i = 0; i < 300; ++i)
            batch.arrivals.push_back(
                spool.make(std::string(3000 + i, 'x'), {recipient_at("a@b.example")}));
        spool.commit(batch);
        for (std::size_t i = 0; i < batch.arrivals.size(); ++i) {
            if (i % 50 != 0) spool.queue.remove(batch.arrivals[i].envelope.id, kTestNow);
        }
    }
    TestSpool spool(disk.root());
    spool.recover();
    const auto compaction = spool.bodies.to_compact();
    BOOST_TEST_REQUIRE(!compaction.empty());
    BOOST_TEST(compaction.run() == "");
    BOOST_TEST(spool.queue.check(&spool.bodies).empty());
    const auto body = disk.root().open_directory("body");
    const auto bytes = read_all(*body->open(body->list().front(), Access::kRead));
    BOOST_TEST(std::ranges::count(bytes, 'x') < 6 * (3300 + 2 * 4096));
    BOOST_TEST(bytes.size() > 900'000U);
}

// Whatever dies in whatever order, nothing that stays is hurt.
BOOST_AUTO_TEST_CASE(any_order_of_leaving_hurts_nobody) {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        std::mt19937 random(seed);
        FaultDisk disk;
        Segment segment(disk.root().open_directory("body"));
        for (int i = 0; i < 60; ++i)
            segment.fill(1, random() % 3 == 0 ? 0 : random() % 6000);
        std::shuffle(segment.messages.begin(), segment.messages.end(), random);
        while (segment.messages.size() > 1) {
            segment.store.bury(segment.messages.back().first);
            segment.messages.pop_back();
            if (random() % 4 == 0) segment.store.to_compact(0).run();
            BOOST_TEST_CONTEXT("seed " << seed) {
                segment.all_are_well();
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
