#include <boost/test/unit_test.hpp>

#include "common/mail/imap_structure.h"
#include "tests/unit/mail/imap_grammar.h"
#include "tests/unit/mail/mime_samples.h"

using namespace veredus::mail;
using namespace std::string_literals;

namespace {

std::string structure_of(const std::string& text, bool extensible) {
    const std::string bytes = crlf(text);
    std::string out = body_structure(parse_message(bytes), extensible);
    BOOST_TEST(ImapGrammar::is_body(out, extensible), out);
    return out;
}

std::string envelope_of(const std::string& bytes) {
    std::string out = envelope(parse_message(bytes));
    BOOST_TEST(ImapGrammar::is_envelope(out), out);
    return out;
}

std::string bytes_of(const Message& message, std::vector<unsigned> path,
                     SectionKind kind = SectionKind::kWhole) {
    const auto range = section(message.root, path, kind);
    return range ? std::string(range->of(message.bytes)) : "nothing";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(imap_structure)

// The sample connection of RFC 3501 section 8.
BOOST_AUTO_TEST_CASE(the_envelope_of_rfc_3501) {
    const std::string bytes = crlf(
        "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
        "From: Terry Gray <gray@cac.washington.edu>\n"
        "Subject: IMAP4rev1 WG mtg summary and minutes\n"
        "To: imap@cac.washington.edu\n"
        "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n"
        "Message-Id: <B27397-0100000@cac.washington.edu>\n"
        "MIME-Version: 1.0\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n");
    BOOST_TEST(envelope_of(bytes) ==
               "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
               "\"IMAP4rev1 WG mtg summary and minutes\" "
               "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
               "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
               "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
               "((NIL NIL \"imap\" \"cac.washington.edu\")) "
               "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
               "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
               "\"<B27397-0100000@cac.washington.edu>\")");
}

BOOST_AUTO_TEST_CASE(envelopes_with_little_in_them) {
    BOOST_TEST(envelope_of("") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    BOOST_TEST(envelope_of("Subject:\r\nTo: \r\nIn-Reply-To: \r\n\r\n") ==
               "(NIL \"\" NIL NIL NIL NIL NIL NIL \"\" NIL)");
}

BOOST_AUTO_TEST_CASE(envelope_addresses) {
    BOOST_TEST(envelope_of("From: a@b\r\nSender: \r\nReply-To: c@d\r\nTo: G: e@f;, <@r:g@h>\r\n"
                           "To: i@j\r\nBcc: root\r\n\r\n") ==
               "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
               "((NIL NIL \"G\" NIL)(NIL NIL \"e\" \"f\")(NIL NIL NIL NIL)(NIL \"@r\" \"g\" \"h\")"
               "(NIL NIL \"i\" \"j\")) NIL ((NIL NIL \"root\" \"\")) NIL NIL)");
}

BOOST_AUTO_TEST_CASE(strings_quoted_and_literal) {
    BOOST_TEST(envelope_of("Subject: say \"a\\b\"\r\n\r\n")
                   .starts_with("(NIL \"say \\\"a\\\\b\\\"\" NIL"));
    BOOST_TEST(envelope_of("Subject: caf\xE9\r\n\r\n").starts_with("(NIL {4}\r\ncaf\xE9 NIL"));
    BOOST_TEST(envelope_of("Subject: a\0b\r\n\r\n"s).starts_with("(NIL \"ab\" NIL"));
    BOOST_TEST(envelope_of("Subject: a\r\n b\r\n\r\n").starts_with("(NIL \"a b\" NIL"));
    BOOST_TEST(envelope_of("Subject: a\rb\r\n\r\n").starts_with("(NIL \"ab\" NIL"));
    BOOST_TEST(envelope_of("From: \"\xE9\0\" <a@b>\r\n\r\n"s)
                   .starts_with("(NIL NIL (({1}\r\n\xE9 NIL \"a\" \"b\"))"));
    const std::string longer(1001, 'x');
    BOOST_TEST(envelope_of("Subject: " + longer + "\r\n\r\n").starts_with("(NIL {1001}\r\nxxx"));
}

// RFC 3501 section 7.4.2.
BOOST_AUTO_TEST_CASE(simple_bodies) {
    BOOST_TEST(structure_of("\nhello\n", false) ==
               "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 7 1)");
    BOOST_TEST(structure_of("\nhello\n", true) ==
               "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 7 1 NIL NIL NIL "
               "NIL)");
    BOOST_TEST(structure_of("Content-Type: text/html\n\n", false) ==
               "(\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 0 0)");
}

BOOST_AUTO_TEST_CASE(all_the_extension_data) {
    const std::string text =
        "Content-Type: image/gif; name=x.gif\nContent-Transfer-Encoding: base64\n"
        "Content-ID: <a@b>\nContent-Description: a picture\nContent-MD5: Q2hlY2s=\n"
        "Content-Disposition: inline; filename=y.gif\nContent-Language: en, de\n"
        "Content-Location: http://a.example/b.gif\n\nAAAA\n";
    BOOST_TEST(structure_of(text, true) ==
               "(\"IMAGE\" \"GIF\" (\"NAME\" \"x.gif\") \"<a@b>\" \"a picture\" \"BASE64\" 6 "
               "\"Q2hlY2s=\" (\"INLINE\" (\"FILENAME\" \"y.gif\")) (\"en\" \"de\") "
               "\"http://a.example/b.gif\")");
    BOOST_TEST(structure_of(text, false) ==
               "(\"IMAGE\" \"GIF\" (\"NAME\" \"x.gif\") \"<a@b>\" \"a picture\" \"BASE64\" 6)");
}

BOOST_AUTO_TEST_CASE(multiparts) {
    const std::string text =
        "Content-Type: multipart/mixed; boundary=b\nContent-Disposition: inline\n"
        "Content-Language: en\n\n--b\n\na\n\n--b\n"
        "Content-Type: TEXT/PLAIN; name=cc.diff\nContent-Transfer-Encoding: "
        "BASE64\n\nAAAA\n--b--\n";
    BOOST_TEST(structure_of(text, false) ==
               "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3 1)"
               "(\"TEXT\" \"PLAIN\" (\"NAME\" \"cc.diff\") NIL NIL \"BASE64\" 4 0) \"MIXED\")");
    BOOST_TEST(structure_of(text, true) ==
               "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3 1 NIL NIL NIL "
               "NIL)(\"TEXT\" \"PLAIN\" (\"NAME\" \"cc.diff\") NIL NIL \"BASE64\" 4 0 NIL NIL NIL "
               "NIL) \"MIXED\" (\"BOUNDARY\" \"b\") (\"INLINE\" NIL) \"en\" NIL)");
}

BOOST_AUTO_TEST_CASE(an_empty_multipart_is_still_valid) {
    BOOST_TEST(structure_of("Content-Type: multipart/alternative; boundary=b\n\n", false) ==
               "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 0 0) "
               "\"ALTERNATIVE\")");
}

BOOST_AUTO_TEST_CASE(a_message_in_a_message) {
    const std::string text =
        "Content-Type: message/rfc822\n\nSubject: inner\nFrom: a@b\n\none\ntwo\n";
    BOOST_TEST(structure_of(text, false) ==
               "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 39 (NIL \"inner\" ((NIL NIL \"a\" "
               "\"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) "
               "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 10 2) 5)");
    structure_of(text, true);
}

BOOST_AUTO_TEST_CASE(the_sections_of_rfc_3501) {
    const Message message = parse_message(kNestedMessages);
    using enum SectionKind;
    BOOST_TEST(bytes_of(message, {}) == kNestedMessages);
    BOOST_TEST(bytes_of(message, {}, kHeader).starts_with("From: fred@example.org\r\n"));
    BOOST_TEST(bytes_of(message, {}, kHeader) + bytes_of(message, {}, kText) == kNestedMessages);
    BOOST_TEST(bytes_of(message, {1}) == "part 1");
    BOOST_TEST(bytes_of(message, {2}) == "part 2");
    BOOST_TEST(bytes_of(message, {2}, kMime) == "Content-Type: application/octet-stream\r\n\r\n");
    BOOST_TEST(bytes_of(message, {3}).starts_with("Subject: third\r\n"));
    BOOST_TEST(bytes_of(message, {3}, kMime) == "Content-Type: message/rfc822\r\n\r\n");
    BOOST_TEST(bytes_of(message, {3}, kHeader) ==
               "Subject: third\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n");
    BOOST_TEST(bytes_of(message, {3}, kText).starts_with("--B\r\n"));
    BOOST_TEST(bytes_of(message, {3}, kHeader) + bytes_of(message, {3}, kText) ==
               bytes_of(message, {3}));
    BOOST_TEST(bytes_of(message, {3, 1}) == "part 3.1");
    BOOST_TEST(bytes_of(message, {3, 2}) == "part 3.2");
    BOOST_TEST(bytes_of(message, {4, 1}) == "part 4.1");
    BOOST_TEST(bytes_of(message, {4, 1}, kMime) == "Content-Type: image/gif\r\n\r\n");
    BOOST_TEST(bytes_of(message, {4, 2}, kHeader).starts_with("Subject: fourth\r\n"));
    BOOST_TEST(bytes_of(message, {4, 2}, kText).starts_with("--D\r\n"));
    BOOST_TEST(bytes_of(message, {4, 2, 1}) == "part 4.2.1");
    BOOST_TEST(bytes_of(message, {4, 2, 2}).starts_with("--E\r\n"));
    BOOST_TEST(bytes_of(message, {4, 2, 2, 1}) == "part 4.2.2.1");
    BOOST_TEST(bytes_of(message, {4, 2, 2, 2}) == "part 4.2.2.2");
}

BOOST_AUTO_TEST_CASE(sections_that_are_not) {
    const Message message = parse_message(kNestedMessages);
    using enum SectionKind;
    for (const std::vector<unsigned>& path : std::vector<std::vector<unsigned>>{
             {0}, {5}, {1, 1}, {3, 3}, {4, 2, 2, 3}, {4, 1, 1}, {2, 1}})
        BOOST_TEST(bytes_of(message, path) == "nothing");
    BOOST_TEST(bytes_of(message, {}, kMime) == "nothing");
    BOOST_TEST(bytes_of(message, {1}, kHeader) == "nothing");
    BOOST_TEST(bytes_of(message, {4}, kText) == "nothing");
}

BOOST_AUTO_TEST_CASE(a_message_that_is_no_multipart_has_part_1) {
    const std::string bytes = "Subject: a\r\n\r\nhello\r\n";
    const Message message = parse_message(bytes);
    BOOST_TEST(bytes_of(message, {1}) == "hello\r\n");
    BOOST_TEST(bytes_of(message, {1}, SectionKind::kMime) == "Subject: a\r\n\r\n");
    BOOST_TEST(bytes_of(message, {1, 1}) == "nothing");
    BOOST_TEST(bytes_of(message, {2}) == "nothing");
    const std::string outer = "Content-Type: message/rfc822\r\n\r\n" + bytes;
    const Message enclosing = parse_message(outer);
    BOOST_TEST(bytes_of(enclosing, {1}) == bytes);
    BOOST_TEST(bytes_of(enclosing, {1}, SectionKind::kText) == "hello\r\n");
    BOOST_TEST(bytes_of(enclosing, {1, 1}) == "hello\r\n");
}

BOOST_AUTO_TEST_CASE(subsets_of_the_header) {
    const std::string bytes =
        "From: a@b\r\nSubject: one\r\n two\r\nX-A: 1\r\nsubject: again\r\n\r\nbody";
    const Message message = parse_message(bytes);
    const std::vector<std::string> names = {"SUBJECT", "Nothing"};
    BOOST_TEST(header_fields(message, {}, names, false).value() ==
               "Subject: one\r\n two\r\nsubject: again\r\n\r\n");
    BOOST_TEST(header_fields(message, {}, names, true).value() == "From: a@b\r\nX-A: 1\r\n\r\n");
    BOOST_TEST(header_fields(message, {}, {}, false).value() == "\r\n");
    const std::vector<unsigned> one = {1};
    BOOST_TEST(!header_fields(message, one, names, false).has_value());
    const Message bare = parse_message("From: a@b\r\nSubject: c\r\n");
    BOOST_TEST(header_fields(bare, {}, names, false).value() == "Subject: c\r\n");
    const Message nested = parse_message(kNestedMessages);
    const std::vector<unsigned> third = {3};
    BOOST_TEST(header_fields(nested, third, names, false).value() == "Subject: third\r\n\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
