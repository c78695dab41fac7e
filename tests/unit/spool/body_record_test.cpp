#include <boost/test/unit_test.hpp>

#include "common/mail/digest.h"
#include "spool/body/body_file.h"
#include "spool/body/body_writer.h"
#include "spool/body/record.h"
#include "spool/disk/fault_disk.h"
#include "tests/unit/spool/temporary_directory.h"

namespace veredus::spool {
namespace {

constexpr std::int64_t kNow = 1'763'892'540'123'456;  // Sun, 23 Nov 2025 10:09:00 UTC

RecordHead head_of(std::string reverse_path) {
    return {std::move(reverse_path), kNow, mail::QueueId::make(kNow, 7), 5,
            mail::digest_of("abc\r\n")};
}

std::string line_of(const RecordHead& head) {
    std::string line = encode_record_head(head);
    BOOST_TEST_REQUIRE(line.ends_with('\n'));
    line.pop_back();
    BOOST_TEST_REQUIRE(line.find('\n') == std::string::npos);
    return line;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(body_record)

BOOST_AUTO_TEST_CASE(digest_is_xxh128) {
    // xxh128sum of nothing and of "abc".
    BOOST_TEST(mail::to_hex(mail::digest_of("")) == "99aa06d3014798d86001c324468d497f");
    BOOST_TEST(mail::to_hex(mail::digest_of("abc")) == "06b05ab6733a618578af5f94892f3950");
    mail::DigestBuilder pieces;
    pieces.update("a");
    pieces.update("");
    pieces.update("bc");
    BOOST_CHECK(pieces.finish() == mail::digest_of("abc"));
}

BOOST_AUTO_TEST_CASE(hexadecimal_digests_are_read_strictly) {
    const std::string hex = mail::to_hex(mail::digest_of("abc"));
    BOOST_CHECK(mail::digest_from_hex(hex) == mail::digest_of("abc"));
    BOOST_TEST(!mail::digest_from_hex(hex.substr(1)).has_value());
    BOOST_TEST(!mail::digest_from_hex(hex + "0").has_value());
    BOOST_TEST(!mail::digest_from_hex("G" + hex.substr(1)).has_value());
}

BOOST_AUTO_TEST_CASE(a_record_line_reads_as_mbox) {
    BOOST_TEST(
        line_of(head_of("a@b.example")) ==
        "From a@b.example Sun Nov 23 10:09:00 2025 id=" + mail::QueueId::make(kNow, 7).text() +
            " length=5 xxh128=" + mail::to_hex(mail::digest_of("abc\r\n")));
    BOOST_TEST(line_of(head_of("")).starts_with("From MAILER-DAEMON Sun Nov 23"));
}

BOOST_AUTO_TEST_CASE(record_lines_come_back) {
    for (const std::string path :
         {"a@b.example", "", "\"two words id=1 length=2\"@b.example", "j\xC3\xB6rg@b.example"}) {
        auto head = head_of(path);
        const auto parsed = parse_record_head(line_of(head));
        BOOST_TEST_REQUIRE(parsed.has_value());
        BOOST_TEST(parsed->reverse_path == path);
        BOOST_TEST(parsed->arrival_us == kNow / 1'000'000 * 1'000'000);
        BOOST_CHECK(parsed->id == head.id);
        BOOST_TEST(parsed->length == 5U);
        BOOST_CHECK(parsed->digest == head.digest);
    }
}

BOOST_AUTO_TEST_CASE(nothing_in_a_reverse_path_breaks_the_line) {
    const auto parsed = parse_record_head(line_of(head_of("a\r\nFrom x@b.example")));
    BOOST_TEST_REQUIRE(parsed.has_value());
    BOOST_TEST(parsed->reverse_path == "a??From x@b.example");
}

BOOST_AUTO_TEST_CASE(damaged_record_lines_are_refused) {
    const std::string line = line_of(head_of("a@b.example"));
    BOOST_TEST(parse_record_head(line).has_value());
    for (std::size_t n = 0; n < line.size(); ++n) {
        BOOST_TEST(!parse_record_head(line.substr(0, n)).has_value());
    }
    BOOST_TEST(!parse_record_head(line + " ").has_value());
    BOOST_TEST(!parse_record_head(" " + line).has_value());
    BOOST_TEST(!parse_record_head("From a@b.example Mon Nov 23 10:09:00 2025" +
                                  line.substr(line.find(" id=")))
                    .has_value());
}

BOOST_AUTO_TEST_CASE(segment_headers_come_back) {
    const std::string bytes = encode_segment_header({0x2A, kNow});
    BOOST_TEST(bytes ==
               "From veredus-segment Sun Nov 23 10:09:00 2025 version=1 file=000000000000002a\n\n");
    const auto header = parse_segment_header(bytes + "From a@b.example ...");
    BOOST_TEST_REQUIRE(header.has_value());
    BOOST_TEST(header->file == 0x2AU);
    BOOST_TEST(header->created_us == kNow / 1'000'000 * 1'000'000);
    std::string newer = bytes;
    newer.replace(newer.find("version=1"), 9, "version=2");
    BOOST_TEST(!parse_segment_header(newer).has_value());
    BOOST_TEST(!parse_segment_header("").has_value());
}

BOOST_AUTO_TEST_CASE(a_segment_fills_up) {
    FaultDisk disk;
    SegmentWriter writer(disk.root().create("a"), 9, 100, SegmentWriter::Growth::kAhead);
    const std::string message(kSingleFileThreshold, 'x');
    std::uint64_t last_end = 100;
    int appended = 0;
    while (const auto body = writer.append(mail::QueueId::make(kNow, 1), "a@b.example", message)) {
        BOOST_TEST_REQUIRE(body->file == 9U);
        BOOST_TEST_REQUIRE(body->offset > last_end);
        BOOST_TEST_REQUIRE(body->length == message.size());
        last_end = body->offset + body->length;
        ++appended;
    }
    BOOST_TEST(appended == 63);
    BOOST_TEST(last_end < kSegmentSize);
    BOOST_TEST(writer.append(mail::QueueId::make(kNow, 1), "a@b.example", "short\r\n").has_value());
}

// As queue segments do, so that a sync need not change the file system's tables.
BOOST_AUTO_TEST_CASE(a_segment_grows_ahead_of_small_records) {
    FaultDisk disk;
    const auto file = disk.root().create("a");
    SegmentWriter writer(disk.root().open("a", Access::kWrite), 1, 0,
                         SegmentWriter::Growth::kAhead);
    const auto append = [&](std::size_t length) {
        const auto body =
            writer.append(mail::QueueId::make(kNow, 1), "a@b.example", std::string(length, 'x'));
        BOOST_REQUIRE(body.has_value());
        return body->offset + length + kRecordEnd.size();
    };
    const auto first = append(100);
    const auto grown = first + SegmentWriter::kAhead;
    BOOST_TEST(file->size() == grown);
    std::size_t records = 1;
    for (auto end = first; end + 1000 < grown; ++records)
        end = append(500);
    BOOST_TEST(file->size() == grown);
    const auto end = append(100 * 1024);  // begins in the room there is and ends beyond it
    BOOST_TEST(file->size() == end);
    const auto after = append(SegmentWriter::kLongForAhead);
    BOOST_TEST(file->size() == after);
    const auto grown_again = append(10) + SegmentWriter::kAhead;
    BOOST_TEST(file->size() == grown_again);
    const auto found = find_records(*file, 1);
    BOOST_TEST(found.size() == records + 3);
    BOOST_TEST(std::ranges::all_of(found, &FoundRecord::intact));
    while (writer.append(mail::QueueId::make(kNow, 1), "a@b.example", std::string(16000, 'x'))) {
    }
    BOOST_TEST(file->size() == kSegmentSize);
}

BOOST_AUTO_TEST_CASE(records_are_found_after_damage) {
    FaultDisk disk;
    const std::vector<std::string> messages{"one\r\n", "two\r\nFrom here on\r\n", "", "four\r\n"};
    std::vector<mail::BodyRef> bodies;
    {
        auto file = disk.root().create("a");
        file->write(0, std::string_view(encode_segment_header({1, kNow})));
        const auto start = file->size();
        SegmentWriter writer(std::move(file), 1, start, SegmentWriter::Growth::kByRecord);
        for (const auto& message : messages) {
            bodies.push_back(*writer.append(mail::QueueId::make(kNow, 1), "a@b.example", message));
        }
    }
    const auto file = disk.root().open("a", Access::kRead);
    auto found = find_records(*file, 1);
    BOOST_TEST_REQUIRE(found.size() == messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        BOOST_TEST(found[i].intact);
        BOOST_CHECK(found[i].body == bodies[i]);
    }
    disk.flip_bit(disk.root(), "a", bodies[1].offset + 1);
    found = find_records(*file, 1);
    BOOST_TEST_REQUIRE(found.size() == 4U);
    BOOST_TEST(!found[1].intact);
    BOOST_TEST(found[3].intact);
    disk.flip_bit(disk.root(), "a", bodies[2].offset - 10);  // within its line
    found = find_records(*file, 1);
    BOOST_TEST_REQUIRE(found.size() == 3U);
    BOOST_TEST(found[2].intact);
    disk.flip_bit(disk.root(), "a", bodies[3].offset - 1);  // the end of its line
    BOOST_TEST(find_records(*file, 1).size() == 2U);
}

BOOST_AUTO_TEST_CASE(single_files_hold_the_message_and_zeros) {
    FaultDisk disk;
    SingleFileWriter writer(disk.root().create("a"), 3);
    writer.write("one ");
    writer.write("two");
    const auto body = writer.finish();
    BOOST_CHECK((body == mail::BodyRef{3, 0, 7, mail::digest_of("one two")}));
    const auto file = disk.root().open("a", Access::kRead);
    BOOST_TEST((read_all(*file) == "one two" + std::string(File::kBlock - 7, '\0')));
    BOOST_TEST(length_of_single(*file) == 7U);
}

BOOST_AUTO_TEST_CASE(memory_that_served_another_message_shows_nothing_of_it) {
    FaultDisk disk;
    SingleFileWriter first(disk.root().create("a"), 3);
    first.write(std::string(10'000, 'x'));
    first.finish();
    BlockBuffer memory = first.take_memory();
    memory.clear();
    BOOST_TEST(memory.capacity() >= 10'000U);
    memory.add("begin");
    SingleFileWriter second(disk.root().create("b"), 4, std::move(memory));
    second.write(", end");
    const auto body = second.finish();
    BOOST_CHECK((body == mail::BodyRef{4, 0, 10, mail::digest_of("begin, end")}));
    const auto file = disk.root().open("b", Access::kRead);
    BOOST_TEST((read_all(*file) == "begin, end" + std::string(File::kBlock - 10, '\0')));
}

BOOST_AUTO_TEST_CASE(single_files_take_pieces_of_any_length) {
    TemporaryDirectory temporary;
    std::string message;
    while (message.size() < 3 * kSingleFileThreshold)
        message += std::to_string(message.size()) + "\r\n";
    const std::size_t blocks = 2 * kSingleFileThreshold;  // nothing is left for the end
    for (const std::size_t length : {std::size_t{0}, File::kBlock, blocks, message.size()}) {
        for (const std::size_t piece : {std::size_t{1000}, File::kBlock, message.size()}) {
            const auto whole = std::string_view(message).substr(0, length);
            SingleFileWriter writer(temporary.directory().create("a"), 3);
            for (std::size_t at = 0; at < length; at += piece)
                writer.write(whole.substr(at, piece));
            const auto body = writer.finish();
            BOOST_CHECK((body == mail::BodyRef{3, 0, length, mail::digest_of(whole)}));
            const auto file = temporary.directory().open("a", Access::kRead);
            BOOST_TEST(read_all(*file).starts_with(whole));
            BOOST_TEST(file->size() == (length + File::kBlock - 1) / File::kBlock * File::kBlock);
            BOOST_TEST(length_of_single(*file) == length);
            temporary.directory().unlink("a");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
