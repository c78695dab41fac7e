#include <boost/test/unit_test.hpp>

#include "common/mail/header.h"
#include "common/mail/priority.h"

using namespace veredus::mail;
using namespace std::string_literals;

BOOST_AUTO_TEST_SUITE(header)

BOOST_AUTO_TEST_CASE(fields_and_their_places) {
    const std::string message =
        "From: a@b.example\r\nSubject: one\r\n two\r\n\tthree\r\n\r\nbody\r\n";
    const Header header = Header::scan(message);
    BOOST_REQUIRE(header.fields().size() == 2U);
    const HeaderField& subject = *header.find("SUBJECT");
    BOOST_TEST(subject.line.of(message) == "Subject: one\r\n two\r\n\tthree\r\n");
    BOOST_TEST(subject.raw == " one\r\n two\r\n\tthree");
    BOOST_TEST(subject.value.of(message) == subject.raw);
    BOOST_TEST(subject.text() == "one two\tthree");
    BOOST_TEST(message.substr(header.body_offset()) == "body\r\n");
    BOOST_TEST(header.empty_line().of(message) == "\r\n");
    BOOST_TEST(header.value("Nothing").empty());
}

BOOST_AUTO_TEST_CASE(all_of_a_name_in_order) {
    const std::string message = "X: 1\nY: 2\nx : 3\n\n";
    const Header header = Header::scan(message);
    const auto found = header.find_all("X");
    BOOST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[0]->text() == "1");
    BOOST_TEST(found[1]->text() == "3");
    BOOST_TEST(found[1]->name == "x");
}

BOOST_AUTO_TEST_CASE(bare_line_feeds_and_mixed) {
    const std::string message = "A: 1\nB: 2\r\nC: 3\n\nbody";
    const Header header = Header::scan(message);
    BOOST_TEST(header.fields().size() == 3U);
    BOOST_TEST(header.value("B") == "2");
    BOOST_TEST(message.substr(header.body_offset()) == "body");
}

BOOST_AUTO_TEST_CASE(no_body_and_no_empty_line) {
    const std::string message = "A: 1\r\nB: 2";
    const Header header = Header::scan(message);
    BOOST_TEST(header.fields().size() == 2U);
    BOOST_TEST(header.value("B") == "2");
    BOOST_TEST(!header.has_empty_line());
    BOOST_TEST(header.body_offset() == message.size());
    BOOST_TEST(Header::scan("").fields().empty());
    BOOST_TEST(Header::scan("\r\n").body_offset() == 2U);
}

// RFC 7103 section 7.2: what people type who know no header.
BOOST_AUTO_TEST_CASE(text_without_a_header_is_body) {
    BOOST_TEST(Header::scan("hello\r\nworld\r\n").body_offset() == 0U);
    const std::string message = "Received: by a.example\r\n\tid 1\r\nhello\r\nworld\r\n";
    const Header header = Header::scan(message);
    BOOST_TEST(header.fields().size() == 1U);
    BOOST_TEST(header.value("Received") == "by a.example\tid 1");
    BOOST_TEST(message.substr(header.body_offset()) == "hello\r\nworld\r\n");
}

BOOST_AUTO_TEST_CASE(a_stray_line_continues_the_field_before_it) {
    const std::string message =
        "Subject: This is your reminder\r\nabout the football game tonight\r\n"
        "Date: today\r\n\r\nbody";
    const Header header = Header::scan(message);
    BOOST_TEST(header.value("Subject") == "This is your reminderabout the football game tonight");
    BOOST_TEST(header.value("Date") == "today");
    BOOST_TEST(message.substr(header.body_offset()) == "body");
}

BOOST_AUTO_TEST_CASE(a_line_before_the_first_field_is_skipped) {
    const std::string message = "From a@b.example Thu Jan  1 00:00:00 1970\r\nA: 1\r\n\r\nbody";
    const Header header = Header::scan(message);
    BOOST_REQUIRE(header.fields().size() == 1U);
    BOOST_TEST(header.value("A") == "1");
    BOOST_TEST(message.substr(header.body_offset()) == "body");
}

// RFC 5322 section 4.2: a line of blanks folds, it does not end the header.
BOOST_AUTO_TEST_CASE(a_line_of_blanks_is_a_fold) {
    const std::string message = "To    : Mary Smith\r\n  \r\n          <mary@example.net>\r\n\r\n";
    const Header header = Header::scan(message);
    BOOST_REQUIRE(header.fields().size() == 1U);
    BOOST_TEST(header.fields()[0].name == "To");
    BOOST_TEST(header.value("to") == "Mary Smith            <mary@example.net>");
    BOOST_TEST(Header::scan("  \r\nA: 1\r\n").fields().empty());
}

BOOST_AUTO_TEST_CASE(nuls_and_eight_bit_bytes) {
    const std::string message = "Sub\xC3\xA4: 1\r\nSubject: a\0b\xE4\r\n: empty\r\n\r\n"s;
    const Header header = Header::scan(message);
    BOOST_REQUIRE(header.fields().size() == 1U);
    BOOST_TEST(header.fields()[0].text() == "ab\xE4: empty");
}

BOOST_AUTO_TEST_CASE(counts_are_bounded) {
    std::string message;
    for (std::size_t i = 0; i < Header::kFieldsMax + 10; ++i)
        message += "A: 1\r\n";
    message += "\r\nbody";
    const Header header = Header::scan(message);
    BOOST_TEST(header.fields().size() == Header::kFieldsMax);
    BOOST_TEST(header.truncated());
    BOOST_TEST(header.fields().back().line.of(message) == "A: 1\r\n");
    BOOST_TEST(message.substr(header.body_offset()) == "body");
}

BOOST_AUTO_TEST_CASE(a_part_of_the_message_alone) {
    const std::string message = "A: 1\r\n\r\nB: 2\r\n\r\nC: 3\r\n";
    const Header header = Header::scan(message, 8, message.size());
    BOOST_TEST(header.fields().size() == 1U);
    BOOST_TEST(header.value("B") == "2");
    BOOST_TEST(message.substr(header.body_offset()) == "C: 3\r\n");
}

BOOST_AUTO_TEST_CASE(making_fields) {
    BOOST_TEST(make_field("Subject", "hello") == "Subject: hello\r\n");
    BOOST_TEST(make_field("Subject", "") == "Subject:\r\n");
    BOOST_TEST(make_field("Subject", "a\r\nEvil: b") == "Subject: a Evil: b\r\n");
    const std::string word(30, 'x');
    const std::string folded =
        make_field("Long", word + ' ' + word + ' ' + word + ' ' + std::string(100, 'y'));
    BOOST_TEST(folded == "Long: " + word + ' ' + word + "\r\n " + word + "\r\n " +
                             std::string(100, 'y') + "\r\n");
    BOOST_TEST(Header::scan(folded).value("Long").size() == 3 * 30 + 100 + 3U);
    // The name is never left alone on a line, whatever the length of the first word.
    BOOST_TEST(make_field("X", std::string(100, 'y')) == "X: " + std::string(100, 'y') + "\r\n");
}

BOOST_AUTO_TEST_CASE(what_goes_to_many_says_so) {
    const auto of = [](std::string_view header) { return priority_of(Header::scan(header)); };
    BOOST_TEST(of("Subject: your password\r\n\r\n") == 0);
    BOOST_TEST(of("List-Id: <news.example>\r\n\r\n") == kPriorityOfBulk);
    BOOST_TEST(of("list-unsubscribe: <mailto:x@b.example>\r\n\r\n") == kPriorityOfBulk);
    BOOST_TEST(of("Precedence:  Bulk \r\n\r\n") == kPriorityOfBulk);
    BOOST_TEST(of("Precedence: first-class\r\n\r\n") == 0);
    BOOST_TEST(of("Subject: x\r\n\r\nList-Id: <in the body>\r\n") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
