#include <boost/test/unit_test.hpp>

#include "common/mail/base64.h"
#include "common/mail/digest.h"
#include "common/mail/quoted_printable.h"

using namespace veredus::mail;
using namespace std::string_literals;

BOOST_AUTO_TEST_SUITE(encodings)

// RFC 4648 section 10.
BOOST_AUTO_TEST_CASE(base64) {
    const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : cases) {
        BOOST_TEST(base64_encode(plain) == encoded);
        BOOST_TEST(base64_decode(encoded).value() == plain);
        BOOST_TEST(base64_decode_mime(encoded) == plain);
    }
    BOOST_TEST(base64_decode("AGEA").value() == "\0a\0"s);
    for (const char* wrong :
         {"Zg", "Zg=", "Zg===", "Z", "Zm9v\r\n", "Zm9v ", " Zm9v", "Zm-v", "Zm9vZg", "=", "Zh=="})
        BOOST_TEST(!base64_decode(wrong).has_value(), wrong);
}

BOOST_AUTO_TEST_CASE(base64_in_mail) {
    BOOST_TEST(base64_decode_mime("Zm9v\r\nYm Fy\r\n") == "foobar");
    BOOST_TEST(base64_decode_mime("Zm9v!*YmFy") == "foobar");
    BOOST_TEST(base64_decode_mime("Zm8=Zm8=") == "fofo");
    BOOST_TEST(base64_decode_mime("Zm8") == "fo");
    BOOST_TEST(base64_decode_mime("Z").empty());
    BOOST_TEST(base64_decode_mime("====").empty());
}

// RFC 2045 section 6.7.
BOOST_AUTO_TEST_CASE(quoted_printable_in) {
    BOOST_TEST(quoted_printable_decode("Now's the time =\r\nfor all folk to come=\r\n"
                                       " to the aid of their country.") ==
               "Now's the time for all folk to come to the aid of their country.");
    BOOST_TEST(quoted_printable_decode("a=3Db=C3=a4") == "a=b\xC3\xA4");
    BOOST_TEST(quoted_printable_decode("blanks  \t\r\nend\n") == "blanks\r\nend\n");
    BOOST_TEST(quoted_printable_decode("soft= \t\r\nbreak") == "softbreak");
    BOOST_TEST(quoted_printable_decode("=XY=4=\r\n=") == "=XY=4");
    BOOST_TEST(quoted_printable_decode("kept=20\r\n") == "kept \r\n");
    BOOST_TEST(quoted_printable_decode("").empty());
}

BOOST_AUTO_TEST_CASE(quoted_printable_out) {
    BOOST_TEST(quoted_printable_encode("a=b\xC3\xA4 \r\nnext\n") == "a=3Db=C3=A4=20\r\nnext\r\n");
    BOOST_TEST(quoted_printable_encode(std::string(76, 'x')) == std::string(76, 'x'));
    BOOST_TEST(quoted_printable_encode(std::string(77, 'x')) ==
               std::string(75, 'x') + "=\r\n" + "xx");
    std::string all;
    for (int i = 0; i < 1000; ++i)
        all += static_cast<char>(i * 7 % 256 == '\n' ? 'n' : i * 7 % 256);
    std::string encoded = quoted_printable_encode(all + "\r\n");
    BOOST_TEST(quoted_printable_decode(encoded) == all + "\r\n");
    for (std::size_t at = 0; at < encoded.size();) {
        const std::size_t end = encoded.find("\r\n", at);
        BOOST_REQUIRE(end != std::string::npos);
        BOOST_TEST(end - at <= 76U);
        at = end + 2;
    }
}

BOOST_AUTO_TEST_CASE(digests) {
    // xxh128sum of the empty string.
    const std::string empty = "99aa06d3014798d86001c324468d497f";
    BOOST_TEST(to_hex(digest_of("")) == empty);
    DigestBuilder builder;
    builder.update("ab");
    builder.update("");
    builder.update("c");
    BOOST_TEST((builder.finish() == digest_of("abc")));
    BOOST_TEST((digest_of("abc") != digest_of("abd")));
    BOOST_TEST((digest_from_hex(empty) == digest_of("")));
    BOOST_TEST(!digest_from_hex(empty.substr(1)).has_value());
    BOOST_TEST(!digest_from_hex(empty + "00").has_value());
    BOOST_TEST(!digest_from_hex("99AA06D3014798D8" + empty.substr(16)).has_value());
    BOOST_TEST(!digest_from_hex("0:" + empty.substr(2)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
