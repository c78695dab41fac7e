#include <boost/test/unit_test.hpp>

#include "common/mail/text.h"
#include "tests/unit/mail/mime_samples.h"

using namespace veredus::mail;

namespace {

std::string text_of(const std::string& text) {
    const std::string bytes = crlf(text);
    const Message message = parse_message(bytes);
    return decoded_text(message, message.root);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(decoding_bodies) {
    BOOST_TEST(text_of("\nplain\n") == "plain\r\n");
    BOOST_TEST(text_of("Content-Transfer-Encoding: base64\n\naGVs\nbG8=\n") == "hello");
    BOOST_TEST(text_of("Content-Type: text/plain; charset=iso-8859-1\n"
                       "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9\n") ==
               "caf\xC3\xA9\r\n");
    BOOST_TEST(text_of("Content-Type: text/plain; charset=utf-16le\n"
                       "Content-Transfer-Encoding: base64\n\n5AA=\n") == "\xC3\xA4");
    BOOST_TEST(text_of("Content-Type: text/plain; charset=nonsense\n\ncaf\xE9") == "caf\xC3\xA9");
    BOOST_TEST(text_of("Content-Transfer-Encoding: x-unknown\n\n=41") == "=41");
    BOOST_TEST(text_of("\ncaf\xC3\xA9") == "caf\xC3\xA9");
}

BOOST_AUTO_TEST_CASE(folding_case) {
    BOOST_TEST(fold_case("HeLLo [\\]^_`{|}~ @AZ") == "hello [\\]^_`{|}~ @az");
    BOOST_TEST(fold_case("\xC3\x84pfel") == fold_case("\xC3\xA4PFEL"));
    BOOST_TEST(fold_case("A\xCC\x88pfel") == fold_case("\xC3\xA4pfel"));  // composed or not
    BOOST_TEST(fold_case("Stra\xC3\x9F"
                         "e") == "strasse");                    // sharp s
    BOOST_TEST(fold_case("\xEF\xBC\xA1\xEF\xBC\xA2") == "ab");  // full width
    BOOST_TEST(fold_case("\xCE\xA3\xCE\x91\xCE\xA3") == fold_case("\xCF\x83\xCE\xB1\xCF\x82"));
    BOOST_TEST(fold_case("\xC3\xA9") != fold_case("e"));
}

BOOST_AUTO_TEST_CASE(needles_in_texts) {
    BOOST_TEST(Needle("LUNCH").in("about lunch today"));
    BOOST_TEST(!Needle("lunches").in("about lunch today"));
    BOOST_TEST(Needle("\xC3\x84PFEL").in("Zwei \xC3\xA4pfel"));
    BOOST_TEST(Needle("").in(""));
    BOOST_TEST(Needle("").in("x"));
    BOOST_TEST(!Needle("x").in(""));
}

BOOST_AUTO_TEST_CASE(needles_in_messages) {
    const std::string bytes = crlf(
        "Subject: =?iso-8859-1?Q?Caf=E9_am?=\n =?iso-8859-1?Q?_See?=\nX-Empty:\n"
        "Content-Type: multipart/mixed; boundary=b\n\nin the preamble\n--b\n"
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        "w4RwZmVsIGltIFNjaGxhZnJvY2s=\n--b\n"
        "Content-Type: application/octet-stream\n\nsecret\n--b\n"
        "Content-Type: message/rfc822\n\nSubject: inner subject\n\ninner body\n--b--\n");
    const Message message = parse_message(bytes);
    BOOST_TEST(Needle("caf\xC3\x89 AM see").in_field(message.header(), "subject"));
    BOOST_TEST(!Needle("apfel").in_field(message.header(), "subject"));
    BOOST_TEST(Needle("").in_field(message.header(), "x-empty"));
    BOOST_TEST(!Needle("").in_field(message.header(), "x-missing"));
    BOOST_TEST(Needle("\xC3\xA4PFEL im").in_body(message));
    BOOST_TEST(Needle("inner SUBJECT").in_body(message));
    BOOST_TEST(Needle("INNER body").in_body(message));
    BOOST_TEST(!Needle("secret").in_body(message));
    BOOST_TEST(!Needle("caf\xC3\xA9").in_body(message));
    BOOST_TEST(Needle("caf\xC3\xA9").in_message(message));
    BOOST_TEST(Needle("x-empty:").in_message(message));
    BOOST_TEST(!Needle("nowhere").in_message(message));
    BOOST_TEST(Needle("").in_body(message));
}

BOOST_AUTO_TEST_SUITE_END()
