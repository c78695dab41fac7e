#include <boost/test/unit_test.hpp>

#include "spool/disk/fault_disk.h"
#include "spool/ledger/ledger.h"
#include "spool/ledger/story.h"

namespace veredus::spool {
namespace {

constexpr std::int64_t kMoment = 1'764'107'222'123'456;  // 2025-11-25T21:47:02.123456Z

Story full_story() {
    Story story;
    story.id = mail::QueueId::make(kMoment, 7);
    story.left_us = kMoment + 1'500'000;
    story.state = "done";
    story.reason = "was held";
    story.reverse_path = "ann@a.example";
    story.envelope_id = "QQ314159";
    story.message_id = "<1@a.example>";
    story.size = 532;
    story.priority = -3;
    story.about = mail::QueueId(99);
    story.client = {"client.example", "192.0.2.7", "ESMTPSA", "ann", "TLSv1.3 AES"};
    story.recipients = {
        {"bob@b.example",
         "rfc822;info@a.example",
         "info@a.example",
         "relayed",
         0,
         "",
         {{kMoment, "in doubt", "4.4.2", "lost connection", "mx[192.0.2.1]:25", ""},
          {kMoment + 1, "relayed", "2.0.0", "250 2.0.0 ok", "mx[192.0.2.1]:25", "TLSv1.3"}}},
        {"eve@b.example", "", "", "deferred", kMoment + 5, "it waits", {}}};
    return story;
}

std::string line_of(const Story& story) {
    std::string line;
    compose(story, line);
    BOOST_TEST_REQUIRE(line.ends_with('\n'));
    line.pop_back();
    return line;
}

Story back(const Story& story) {
    const auto read = parse_story(line_of(story));
    BOOST_TEST_REQUIRE(read.has_value());
    return *read;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ledger)

BOOST_AUTO_TEST_CASE(a_story_is_read_as_it_was_written) {
    BOOST_CHECK(back(full_story()) == full_story());
    Story bare;
    bare.id = mail::QueueId(5);
    bare.state = "queued";
    BOOST_CHECK(back(bare) == bare);
}

BOOST_AUTO_TEST_CASE(a_line_is_what_the_format_says) {
    Story story = full_story();
    story.recipients.resize(1);
    story.recipients[0].attempts.resize(1);
    BOOST_TEST(
        line_of(story) ==
        R"({"v":1,"id":")" + story.id.text() +
            R"(","arrived":"2025-11-25T21:47:02.123456Z","left":"2025-11-25T21:47:03.623456Z",)"
            R"("state":"done","reason":"was held","from":"ann@a.example","envelope_id":"QQ314159",)"
            R"("message_id":"<1@a.example>","size":532,"priority":-3,"about":")" +
            story.about.text() +
            R"(","client":)"
            R"({"name":"client.example","address":"192.0.2.7","protocol":"ESMTPSA","user":"ann",)"
            R"("tls":"TLSv1.3 AES"},"recipients":[{"to":"bob@b.example",)"
            R"("original":"rfc822;info@a.example","expanded_from":"info@a.example",)"
            R"("state":"relayed","attempts":[{"at":"2025-11-25T21:47:02.123456Z",)"
            R"("state":"in doubt","status":"4.4.2","reply":"lost connection",)"
            R"("remote":"mx[192.0.2.1]:25"}]}]})");
}

BOOST_AUTO_TEST_CASE(every_byte_may_stand_in_a_text) {
    Story story = full_story();
    std::string all;
    for (int c = 0; c < 0x80; ++c)
        all += static_cast<char>(c);
    story.recipients[0].attempts[0].reply = all + "\"\\\r\n ü € \U0001F40E";
    BOOST_CHECK(back(story) == story);
    BOOST_TEST(line_of(story).find('\n') == std::string::npos);
    for (int c = 0x80; c < 0x100; ++c) {
        Story bad = full_story();
        bad.reverse_path = std::string("ü") + static_cast<char>(c) + "x";
        const auto read = back(bad);
        BOOST_TEST(read.reverse_path.starts_with("\uFFFD"));
        BOOST_TEST(read.reverse_path.ends_with("\uFFFDx"));
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_story_is_not_read) {
    const auto line = line_of(full_story());
    for (std::size_t length = 0; length < line.size(); ++length)
        BOOST_TEST(!parse_story(line.substr(0, length)).has_value());
    for (const std::string_view other :
         {"", "[]", "null", R"({"v":2})", R"({"v":1})", R"({"v":1,"id":"x"})"})
        BOOST_TEST(!parse_story(other).has_value());
    const auto replaced = [&](std::string_view what, std::string_view with) {
        std::string text = line;
        return text.replace(text.find(what), what.size(), with);
    };
    BOOST_TEST(!parse_story(replaced("\"size\":532", "\"size\":\"big\"")).has_value());
    BOOST_TEST(!parse_story(replaced("left\":\"2025-11", "left\":\"2025-13")).has_value());
    BOOST_TEST(!parse_story(replaced("\"state\":\"relayed\",", "")).has_value());
    BOOST_TEST(parse_story(replaced("\"v\":1", "\"v\":1,\"later\":[1]")).has_value());
}

BOOST_AUTO_TEST_CASE(times_are_rfc_3339) {
    for (const std::int64_t us :
         {std::int64_t(0), std::int64_t(1), kMoment, std::int64_t(951'782'399'999'999)}) {
        std::string text;
        append_time(us, text);
        BOOST_TEST(parse_time(text).value() == us);
        BOOST_TEST(text.starts_with(day_of(us) + "T"));
    }
    for (const std::string_view text :
         {"", "2025-11-25", "2025-02-30T00:00:00.000000Z", "2025-11-25 21:47:02.123456Z",
          "2025-11-25T21:47:0x.123456Z"})
        BOOST_TEST(!parse_time(text).has_value());
}

BOOST_AUTO_TEST_CASE(a_torn_line_is_ended_before_the_next) {
    const std::string whole = "{\"whole\":1}\n";
    for (std::size_t torn = 0; torn <= whole.size(); ++torn) {
        FaultDisk disk;
        auto directory = disk.root().open_directory("ledger");
        if (torn > 0) directory->create("2025-11-25.jsonl")->write(0, whole.substr(0, torn));
        Ledger files(disk.root().open_directory("ledger"));
        const auto end = files.end_of("2025-11-25");
        files.write("2025-11-25", end, "{\"next\":1}\n");
        const auto text = read_all(*directory->open("2025-11-25.jsonl", Access::kRead));
        const bool complete = torn == 0 || torn == whole.size();
        BOOST_TEST(text == whole.substr(0, torn) + (complete ? "" : "\n") + "{\"next\":1}\n");
        BOOST_TEST(files.end_of("2025-11-25") == text.size());
    }
}

BOOST_AUTO_TEST_CASE(lines_are_written_again_where_they_were) {
    FaultDisk disk;
    auto directory = disk.root().open_directory("ledger");
    Ledger files(disk.root().open_directory("ledger"));
    const auto text = [&] { return read_all(*directory->open("2025-11-25.jsonl", Access::kRead)); };
    files.write("2025-11-25", 0, "one\n");
    files.write("2025-11-25", 4, "two\n");
    files.write("2025-11-25", 0, "one\n");
    files.write("2025-11-25", 4, "two\n");
    BOOST_TEST(text() == "one\ntwo\n");
    // The file has become shorter: they go to its end, in their order.
    directory->open("2025-11-25.jsonl", Access::kReadWrite)->truncate(2);
    files.write("2025-11-25", 4, "two\n");
    files.write("2025-11-25", 8, "three\n");
    BOOST_TEST(text() == "on\ntwo\nthree\n");
}

BOOST_AUTO_TEST_CASE(synced_lines_outlive_a_crash) {
    FaultDisk disk;
    Ledger files(disk.root().open_directory("ledger"));
    files.write("2025-11-25", 0, "one\n");
    files.write("2025-11-26", 0, "two\n");
    BOOST_TEST(files.to_sync().run());
    files.write("2025-11-26", 4, "three\n");
    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    const auto ledger = after->root().open_directory("ledger");
    BOOST_TEST(read_all(*ledger->open("2025-11-25.jsonl", Access::kRead)) == "one\n");
    BOOST_TEST(read_all(*ledger->open("2025-11-26.jsonl", Access::kRead)) == "two\n");
}

BOOST_AUTO_TEST_CASE(days_go_and_strangers_stay) {
    FaultDisk disk;
    auto directory = disk.root().open_directory("ledger");
    Ledger files(disk.root().open_directory("ledger"));
    for (const char* day : {"2025-10-31", "2025-11-24", "2025-11-25"})
        files.write(day, 0, "line\n");
    directory->create("2025-10-30.jsonl.gz");
    directory->create("notes.jsonl");
    BOOST_TEST(files.remove_before("2025-11-25") == 2U);
    BOOST_TEST(files.remove_before("2025-11-25") == 0U);
    const std::vector<std::string> left{"2025-10-30.jsonl.gz", "2025-11-25.jsonl", "notes.jsonl"};
    BOOST_TEST(directory->list() == left, boost::test_tools::per_element());
    files.write("2025-11-24", 0, "again\n");
    BOOST_TEST(directory->exists("2025-11-24.jsonl"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
