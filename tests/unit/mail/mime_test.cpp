#include <boost/test/unit_test.hpp>

#include "common/mail/mime.h"
#include "tests/unit/mail/mime_samples.h"

using namespace veredus::mail;

namespace {

// "multipart/mixed(text/plain application/pdf)".
std::string shape(const Part& part) {
    std::string out = ascii_lower(part.type + '/' + part.subtype);
    if (part.parts.empty()) return out;
    out += '(';
    for (const Part& child : part.parts)
        out += (out.ends_with('(') ? "" : " ") + shape(child);
    return out + ')';
}

std::string shape_of(const std::string& text) {
    const std::string message = crlf(text);
    return shape(parse_message(message).root);
}

const std::string kMixed = "Content-Type: multipart/mixed; boundary=b\n\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(mime)

BOOST_AUTO_TEST_CASE(plain_text) {
    const std::string bytes = "Subject: a\r\n\r\none\r\ntwo\r\n";
    const Message message = parse_message(bytes);
    BOOST_TEST(shape(message.root) == "text/plain");
    BOOST_TEST(message.root.header.of(bytes) == "Subject: a\r\n\r\n");
    BOOST_TEST(message.root.body.of(bytes) == "one\r\ntwo\r\n");
    BOOST_TEST(message.root.lines == 2U);
    BOOST_TEST(message.root.encoding == "7BIT");
    BOOST_TEST(*find_parameter(message.root.parameters, "charset") == "US-ASCII");
}

BOOST_AUTO_TEST_CASE(all_the_fields) {
    const std::string bytes = crlf(
        "Content-Type: IMAGE/Gif; name=x.gif\nContent-Transfer-Encoding: base64 (why)\n"
        "Content-ID: <a@b>\nContent-Description: a\n picture\nContent-MD5: Q2hlY2s=\n"
        "Content-Disposition: inline; filename=y.gif\nContent-Language: en, de\n"
        "Content-Location: http://a.example/\n b.gif\n\nAAAA\n");
    const Part root = parse_message(bytes).root;
    BOOST_TEST(root.type == "IMAGE");
    BOOST_TEST(root.subtype == "Gif");
    BOOST_TEST(*find_parameter(root.parameters, "NAME") == "x.gif");
    BOOST_TEST(root.encoding == "BASE64");
    BOOST_TEST(root.id.value() == "<a@b>");
    BOOST_TEST(root.description.value() == "a picture");
    BOOST_TEST(root.md5.value() == "Q2hlY2s=");
    BOOST_TEST(root.disposition->type == "inline");
    BOOST_TEST(*find_parameter(root.disposition->parameters, "filename") == "y.gif");
    BOOST_TEST(root.languages.size() == 2U);
    BOOST_TEST(root.location.value() == "http://a.example/b.gif");
}

BOOST_AUTO_TEST_CASE(the_example_of_rfc_2049) {
    const Message message = parse_message(kComplexMultipart);
    BOOST_TEST(shape(message.root) ==
               "multipart/mixed(text/plain text/plain multipart/parallel(audio/basic image/jpeg) "
               "text/enriched message/rfc822(text/plain))");
    const Part& first = message.root.parts[0];
    BOOST_TEST(first.header.of(message.bytes) == "\r\n");
    BOOST_TEST(first.body.of(message.bytes).starts_with("  ... Some text"));
    BOOST_TEST(first.body.of(message.bytes).ends_with("next part.]\r\n"));
    BOOST_TEST(first.lines == 7U);
    const Part& enclosed = message.root.parts[4].parts[0];
    BOOST_TEST(enclosed.encoding == "QUOTED-PRINTABLE");
    BOOST_TEST(*find_parameter(enclosed.parameters, "charset") == "ISO-8859-1");
    BOOST_TEST(message.header_of(enclosed).value("Subject") == "(subject in US-ASCII)");
    BOOST_TEST(message.root.parts[4].body.offset == enclosed.header.offset);
    BOOST_TEST(message.root.parts[4].lines == 7U);
    BOOST_TEST(message.root.body.end() == kComplexMultipart.size());
}

// RFC 2046 section 5.1.1: the end of line before a boundary belongs to the boundary.
BOOST_AUTO_TEST_CASE(ends_of_parts) {
    const std::string bytes =
        crlf(kMixed + "--b\n\nno line end\n--b\n\nwith one\n\n--b\n\n--b--\nepilogue\n");
    const Message message = parse_message(bytes);
    const auto& parts = message.root.parts;
    BOOST_REQUIRE(parts.size() == 3U);
    BOOST_TEST(parts[0].body.of(bytes) == "no line end");
    BOOST_TEST(parts[0].lines == 0U);
    BOOST_TEST(parts[1].body.of(bytes) == "with one\r\n");
    BOOST_TEST(parts[1].lines == 1U);
    BOOST_TEST(parts[2].body.length == 0U);
    BOOST_TEST(parts[2].lines == 0U);
}

BOOST_AUTO_TEST_CASE(bare_line_feeds) {
    const std::string bytes = kMixed + "--b\nContent-Type: text/html\n\nx\n--b--\n";
    const Message message = parse_message(bytes);
    BOOST_TEST(shape(message.root) == "multipart/mixed(text/html)");
    BOOST_TEST(message.root.parts[0].body.of(bytes) == "x");
}

BOOST_AUTO_TEST_CASE(boundaries_missing_and_odd) {
    // Not closed.
    BOOST_TEST(shape_of(kMixed + "--b\n\na\n--b\n\nb\n") ==
               "multipart/mixed(text/plain text/plain)");
    BOOST_TEST(shape_of(kMixed + "--b") == "multipart/mixed(text/plain)");
    // Padded, and with more behind it.
    BOOST_TEST(shape_of(kMixed + "--b \t\n\na\n--bc\n\nb\n--b-- \n") ==
               "multipart/mixed(text/plain text/plain)");
    // None at all, or nothing between them: IMAP needs one part.
    BOOST_TEST(shape_of(kMixed + "text\n") == "multipart/mixed(text/plain)");
    BOOST_TEST(shape_of(kMixed + "--b--\n") == "multipart/mixed(text/plain)");
    BOOST_TEST(shape_of("Content-Type: multipart/mixed; boundary=b") ==
               "multipart/mixed(text/plain)");
    // No parameter: RFC 2045 section 5.2.
    BOOST_TEST(shape_of("Content-Type: multipart/mixed\n\n--b\n\na\n--b--\n") == "text/plain");
    BOOST_TEST(shape_of("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\na\n----\n") ==
               "text/plain");
    BOOST_TEST(shape_of("Content-Type: nonsense\n\na\n") == "text/plain");
    // A blank at the boundary's end is none of it.
    BOOST_TEST(shape_of("Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\na\n--b--\n") ==
               "multipart/mixed(text/plain)");
}

BOOST_AUTO_TEST_CASE(an_empty_multipart_has_one_empty_part) {
    const std::string bytes = crlf(kMixed + "preamble only\n");
    const Part root = parse_message(bytes).root;
    BOOST_REQUIRE(root.parts.size() == 1U);
    BOOST_TEST(root.parts[0].body.length == 0U);
    BOOST_TEST(root.parts[0].lines == 0U);
    BOOST_TEST(root.parts[0].body.offset == bytes.size());
    BOOST_TEST(root.body.of(bytes) == "preamble only\r\n");
}

BOOST_AUTO_TEST_CASE(boundaries_that_begin_alike) {
    const std::string inner =
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n"
        "Content-Type: multipart/alternative; boundary=xy\n\n"
        "--xy\n\na\n--xy\nContent-Type: text/html\n\nb\n--xy--\n--x\n\nc\n--x--\n";
    BOOST_TEST(shape_of(inner) ==
               "multipart/mixed(multipart/alternative(text/plain text/html) text/plain)");
    const std::string outer =
        "Content-Type: multipart/mixed; boundary=xy\n\n--xy\n"
        "Content-Type: multipart/alternative; boundary=x\n\n"
        "--x\n\na\n--x\nContent-Type: text/html\n\nb\n--x--\n--xy\n\nc\n--xy--\n";
    BOOST_TEST(shape_of(outer) ==
               "multipart/mixed(multipart/alternative(text/plain text/html) text/plain)");
}

BOOST_AUTO_TEST_CASE(the_same_boundary_twice) {
    BOOST_TEST(shape_of(kMixed + "--b\n" + kMixed + "--b\n\na\n--b--\n--b\n\nc\n--b--\n") ==
               "multipart/mixed(multipart/mixed(text/plain) text/plain)");
}

BOOST_AUTO_TEST_CASE(an_outer_boundary_ends_the_inner_multipart) {
    const std::string bytes = crlf(kMixed +
                                   "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n"
                                   "inner\n--b\n\nouter\n--b--\n");
    const Message message = parse_message(bytes);
    BOOST_TEST(shape(message.root) == "multipart/mixed(multipart/mixed(text/plain) text/plain)");
    BOOST_TEST(message.root.parts[0].parts[0].body.of(bytes) == "inner");
    BOOST_TEST(message.root.parts[1].body.of(bytes) == "outer");
}

BOOST_AUTO_TEST_CASE(a_digest_holds_messages) {
    BOOST_TEST(shape_of("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n"
                        "--b\nContent-Type: text/plain\n\ny\n--b--\n") ==
               "multipart/digest(message/rfc822(text/plain) text/plain)");
    BOOST_TEST(shape_of("Content-Type: multipart/digest; boundary=b\n\n--b\n--b--\n") ==
               "multipart/digest(message/rfc822(text/plain))");
}

BOOST_AUTO_TEST_CASE(headers_without_an_empty_line) {
    const std::string bytes = crlf(kMixed + "--b\nContent-Type: text/html\n--b\n\na\n--b--\n");
    const Message message = parse_message(bytes);
    BOOST_TEST(shape(message.root) == "multipart/mixed(text/html text/plain)");
    BOOST_TEST(message.root.parts[0].body.length == 0U);
    const std::string stray = crlf(kMixed + "--b\nContent-Type: text/html\nno field\n--b--\n");
    const Message straying = parse_message(stray);
    BOOST_TEST(straying.root.parts[0].body.of(stray) == "no field");
    const std::string enclosed = crlf(kMixed + "--b\nContent-Type: message/rfc822\nhello\n--b--\n");
    const Message enclosing = parse_message(enclosed);
    BOOST_TEST(shape(enclosing.root) == "multipart/mixed(message/rfc822(text/plain))");
    BOOST_TEST(enclosing.root.parts[0].parts[0].body.of(enclosed) == "hello");
    BOOST_TEST(enclosing.root.parts[0].lines == 0U);
}

BOOST_AUTO_TEST_CASE(the_empty_message) {
    const Part root = parse_message("").root;
    BOOST_TEST(shape(root) == "text/plain");
    BOOST_TEST(root.body.length == 0U);
}

BOOST_AUTO_TEST_CASE(depth_is_bounded) {
    std::string text;
    for (int i = 0; i < 500; ++i)
        text += "Content-Type: message/rfc822\n\n";
    std::string bytes = crlf(text + "hello\n");
    const Part root = parse_message(bytes).root;
    const Part* part = &root;
    std::size_t depth = 0;
    for (; !part->parts.empty(); part = &part->parts.front())
        ++depth;
    BOOST_TEST(depth == MimeLimits().depth_max);
    BOOST_TEST(part->is_type("application", "octet-stream"));
    BOOST_TEST(part->body.of(bytes).ends_with("hello\r\n"));
}

BOOST_AUTO_TEST_CASE(parts_are_bounded) {
    std::string text = kMixed;
    for (int i = 0; i < 10'000; ++i)
        text += "--b\n\na\n";
    text += "--b--\n";
    const std::string bytes = crlf(text);
    const Part root = parse_message(bytes).root;
    BOOST_TEST(root.parts.size() == MimeLimits().parts_max - 1);
    BOOST_TEST(root.body.end() == bytes.size());
}

BOOST_AUTO_TEST_CASE(hostile_messages_take_linear_time) {
    // Many open boundaries that begin alike, and lines that nearly match them all.
    std::string text;
    const std::string prefix(500, 'x');
    for (int i = 0; i < 60; ++i)
        text += "Content-Type: multipart/mixed; boundary=" + prefix + std::to_string(i) + "\n\n--" +
                prefix + std::to_string(i) + "\n";
    for (int i = 0; i < 2'000; ++i)
        text += "--" + prefix + "\n";
    for (int i = 0; i < 300'000; ++i)
        text += "--\n";
    const std::string bytes = crlf(text);
    BOOST_TEST(parse_message(bytes).root.body.end() == bytes.size());
    std::string fields;
    while (fields.size() < 1'000'000)
        fields += "Content-Type: message/rfc822\r\nx\r\n";
    BOOST_TEST(parse_message(fields).root.body.end() == fields.size());
}

BOOST_AUTO_TEST_SUITE_END()
