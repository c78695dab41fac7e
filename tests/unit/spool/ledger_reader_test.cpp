#include <boost/test/unit_test.hpp>

#include "spool/disk/fault_disk.h"
#include "spool/ledger/ledger.h"
#include "spool/ledger/reader.h"
#include "spool/ledger/search.h"

namespace veredus::spool {
namespace {

constexpr std::int64_t kNoon = 1'764'072'000'000'000;  // 2025-11-25T12:00:00Z
constexpr std::int64_t kDay = 86'400'000'000;

using Ids = std::vector<std::uint64_t>;

// A ledger of some days; messages are known by a number of one's own.
struct LedgerFixture {
    FaultDisk disk;
    std::unique_ptr<Directory> directory = disk.root().open_directory("ledger");
    std::map<mail::QueueId, std::uint64_t> numbers;

    Story make(std::uint64_t number, std::int64_t left_us) {
        Story story;
        story.id = mail::QueueId::make(left_us - 1'000'000, static_cast<std::uint16_t>(number));
        story.left_us = left_us;
        story.state = "done";
        story.reverse_path = "Ann@A.example";
        story.message_id = "<m" + std::to_string(number) + "@a.example>";
        story.recipients.push_back({"bob@b.example", "", "", "relayed", 0, "", {}});
        numbers[story.id] = number;
        return story;
    }
    void put(const Story& story) {
        std::string line;
        compose(story, line);
        put_text(day_of(story.left_us), line);
    }
    void put_text(const std::string& day, std::string_view text) {
        Ledger files(disk.root().open_directory("ledger"));
        files.write(day, files.end_of(day), text);
    }
    Ids found(const std::string& text, std::size_t limit = 1000, std::int64_t since_us = 0) {
        Ids ids;
        LedgerReader reader(*directory);
        reader.find({.text = text, .since_us = since_us}, [&](const Story& story) {
            ids.push_back(numbers.at(story.id));
            return ids.size() < limit;
        });
        return ids;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ledger_reader, LedgerFixture)

BOOST_AUTO_TEST_CASE(finds_by_each_key) {
    auto alias = make(1, kNoon);
    alias.recipients[0].original = "rfc822;Info@A.example";
    alias.recipients.push_back({"late@b.example", "", "team@a.example", "relayed", 0, "", {}});
    put(alias);
    auto notification = make(2, kNoon + 1);
    notification.reverse_path = "";
    notification.about = alias.id;
    put(notification);
    put(make(3, kNoon + 2));

    BOOST_TEST(found(alias.id.text()) == (Ids{2, 1}));  // and what tells of it
    std::string lower = alias.id.text();
    std::ranges::transform(lower, lower.begin(), [](char c) { return std::tolower(c); });
    BOOST_TEST(found(lower) == (Ids{2, 1}));
    BOOST_TEST(found(notification.id.text()) == Ids{2});
    BOOST_TEST(found("<m3@a.example>") == Ids{3});
    BOOST_TEST(found("m3@a.example") == Ids{3});
    BOOST_TEST(found("ann@a.EXAMPLE") == (Ids{3, 1}));
    BOOST_TEST(found("BOB@b.example") == (Ids{3, 2, 1}));
    BOOST_TEST(found("info@a.example") == Ids{1});
    BOOST_TEST(found("TEAM@a.example") == Ids{1});
    // A part of a text is not the text, nor is a text of another kind.
    for (const char* text : {"ob@b.example", "a.example", "3@a.example", "relayed", "done", "",
                             "<>", "nobody@b.example", "6C3R1GR0Q9SZG"})
        BOOST_TEST(found(text) == Ids{});
}

BOOST_AUTO_TEST_CASE(what_told_of_messages_is_found_with_them) {
    for (std::uint64_t n = 1; n < 4; ++n) {
        put(make(n, kNoon));
        auto notification = make(10 + n, kNoon + kDay);
        notification.about = make(n, kNoon).id;
        put(notification);
    }
    Ids ids;
    LedgerReader(*directory)
        .find_notifications({make(1, kNoon).id, make(3, kNoon).id},
                            [&](const Story& story) { ids.push_back(numbers.at(story.id)); });
    std::ranges::sort(ids);
    BOOST_TEST(ids == (Ids{11, 13}));
}

BOOST_AUTO_TEST_CASE(the_latest_come_first_up_to_a_limit_or_a_time) {
    for (std::uint64_t n = 0; n < 9; ++n)
        put(make(n,
                 kNoon + static_cast<std::int64_t>(n / 3) * kDay + static_cast<std::int64_t>(n)));
    BOOST_TEST(found("bob@b.example") == (Ids{8, 7, 6, 5, 4, 3, 2, 1, 0}));
    BOOST_TEST(found("bob@b.example", 4) == (Ids{8, 7, 6, 5}));
    BOOST_TEST(found("bob@b.example", 100, kNoon + kDay + 4 - 1'000'000) == (Ids{8, 7, 6, 5, 4}));
    BOOST_TEST(LedgerReader(*directory).first_day() == "2025-11-25");
}

BOOST_AUTO_TEST_CASE(texts_with_what_json_escapes_are_found) {
    auto story = make(1, kNoon);
    story.reverse_path = "\"a \\\"b\\\"\"@x.example";
    story.recipients[0].address = "jürgen@b.example";
    put(story);
    BOOST_TEST(found(story.reverse_path) == Ids{1});
    BOOST_TEST(found("JüRGEN@b.example") == Ids{1});
}

BOOST_AUTO_TEST_CASE(days_before_a_message_came_are_not_read) {
    put(make(1, kNoon));
    const auto late = make(2, kNoon + 5 * kDay);
    put(late);
    disk.set_plan({.unreadable_suffix = "2025-11-25.jsonl"});
    BOOST_TEST(found(late.id.text()) == Ids{2});
    BOOST_CHECK_THROW(found("bob@b.example"), DiskError);
}

BOOST_AUTO_TEST_CASE(a_torn_last_line_is_never_misread) {
    const auto whole = make(1, kNoon);
    put(whole);
    std::string line;
    compose(make(2, kNoon + 1), line);
    const auto name = ledger_file_name(day_of(kNoon));
    const auto before = directory->open(name, Access::kRead)->size();
    for (std::size_t torn = 0; torn < line.size(); ++torn) {
        const auto file = directory->open(name, Access::kReadWrite);
        file->truncate(before);
        file->write(before, std::string_view(line).substr(0, torn));
        BOOST_TEST(found("bob@b.example") == Ids{1});
        LedgerReader reader(*directory);
        reader.find({.text = "bob@b.example"}, [](const Story&) { return true; });
        BOOST_TEST(reader.damaged() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_damaged_line_is_passed_over_and_counted) {
    put(make(1, kNoon));
    put_text(day_of(kNoon), "{\"to\":\"bob@b.example\" and then the disk\n");
    put_text(day_of(kNoon), std::string(5000, '\0') + "bob@b.example\n\n");
    put(make(2, kNoon + 1));
    LedgerReader reader(*directory);
    Ids ids;
    reader.find({.text = "bob@b.example"}, [&](const Story& story) {
        ids.push_back(numbers.at(story.id));
        return true;
    });
    BOOST_TEST(ids == (Ids{2, 1}));
    BOOST_TEST(reader.damaged() == 2U);
    BOOST_TEST(reader.damaged_file() == "2025-11-25.jsonl");
}

// Files and lines larger than what is read at a time.
BOOST_AUTO_TEST_CASE(large_files_are_read_in_pieces) {
    std::string text;
    Ids expected;
    for (std::uint64_t n = 0; n < 3000; ++n) {
        auto story = make(n, kNoon + static_cast<std::int64_t>(n) * 4096);
        if (n % 7 == 0) story.reverse_path = "rare@a.example";
        if (n % 7 == 0) expected.insert(expected.begin(), n);
        if (n == 1001)
            for (int r = 0; r < 40'000; ++r)
                story.recipients.push_back(
                    {"many" + std::to_string(r) + "@b.example", "", "", "relayed", 0, "", {}});
        compose(story, text);
    }
    BOOST_TEST(text.size() > 3'000'000U);
    put_text(day_of(kNoon), text);
    BOOST_TEST(found("rare@a.example") == expected);
    BOOST_TEST(found("many39999@b.example") == Ids{1001});
    BOOST_TEST(found("m0@a.example") == Ids{0});
    BOOST_TEST(found("bob@b.example").size() == 1000U);
}

BOOST_AUTO_TEST_CASE(the_search_finds_what_is_there) {
    std::mt19937_64 random(1);
    const auto some = [&](std::size_t size) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += "abAB"[random() % 4];
        return text;
    };
    const auto lower = [](std::string text) {
        for (char& c : text)
            c = c < 'a' ? static_cast<char>(c - 'A' + 'a') : c;
        return text;
    };
    for (int round = 0; round < 5000; ++round) {
        const auto needle = some(1 + random() % 6);
        const auto hay = some(random() % 60);
        const std::size_t from = hay.empty() ? 0 : random() % hay.size();
        BOOST_TEST(TextSearch(needle).find(hay, from) == lower(hay).find(lower(needle), from));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
