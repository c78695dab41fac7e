#include <boost/test/unit_test.hpp>

#include "common/mail/charset.h"
#include "common/mail/encoded_word.h"

using namespace veredus::mail;

BOOST_AUTO_TEST_SUITE(encoded_word)

// RFC 2047 section 8.
BOOST_AUTO_TEST_CASE(the_examples_of_rfc_2047) {
    BOOST_TEST(decode_words("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>") ==
               "Keith Moore <moore@cs.utk.edu>");
    BOOST_TEST(decode_words("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=") ==
               "Keld J\xC3\xB8rn Simonsen");
    BOOST_TEST(decode_words("=?ISO-8859-1?Q?Andr=E9?= Pirard") == "Andr\xC3\xA9 Pirard");
    BOOST_TEST(decode_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
                            "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=") ==
               "If you can read this you understand the example.");
    BOOST_TEST(decode_words("(=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=)") ==
               "(\xD7\x9D\xD7\x95\xD7\x9C\xD7\xA9 \xD7\x9F\xD7\x91 "
               "\xD7\x99\xD7\x9C\xD7\x98\xD7\xA4\xD7\xA0)");
    BOOST_TEST(decode_words("(=?ISO-8859-1?Q?a?=)") == "(a)");
    BOOST_TEST(decode_words("(=?ISO-8859-1?Q?a?= b)") == "(a b)");
    BOOST_TEST(decode_words("(=?ISO-8859-1?Q?a?=   =?ISO-8859-1?Q?b?=)") == "(ab)");
    BOOST_TEST(decode_words("(=?ISO-8859-1?Q?a_b?=)") == "(a b)");
    BOOST_TEST(decode_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)") == "(a b)");
    BOOST_TEST(decode_words("=?US-ASCII*EN?Q?Keith_Moore?=") == "Keith Moore");  // RFC 2231
}

BOOST_AUTO_TEST_CASE(blanks_around_words) {
    BOOST_TEST(decode_words("a =?utf-8?q?b?= c") == "a b c");
    BOOST_TEST(decode_words("=?utf-8?q?b?=  ") == "b  ");
    BOOST_TEST(decode_words("=?utf-8?q?b_?= =?utf-8?q?c?=") == "b c");
    BOOST_TEST(decode_words("=?utf-8?q?a?==?utf-8?q?b?=") == "ab");
    BOOST_TEST(decode_words("=?utf-8?q?a=3D?=") == "a=");
    BOOST_TEST(decode_words("=?utf-8?q?=20a=20?=") == " a ");
}

BOOST_AUTO_TEST_CASE(a_character_split_between_words) {
    BOOST_TEST(decode_words("=?utf-8?B?w6Q=?= =?UTF-8?B?w6Q=?=") == "\xC3\xA4\xC3\xA4");
    BOOST_TEST(decode_words("=?utf-8?Q?a=C3?= =?utf-8?Q?=A4b?=") ==
               "a\xC3\xA4"
               "b");
}

BOOST_AUTO_TEST_CASE(other_charsets) {
    BOOST_TEST(decode_words("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=") == "\xE6\x97\xA5\xE6\x9C\xAC");
    BOOST_TEST(decode_words("=?koi8-r?B?8NLJ18XU?=") ==
               "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82");
    BOOST_TEST(decode_words("=?GB2312?B?xOO6ww==?=") == "\xE4\xBD\xA0\xE5\xA5\xBD");
    BOOST_TEST(decode_words("=?windows-1252?Q?=80?=") == "\xE2\x82\xAC");
    BOOST_TEST(decode_words("=?ISO-8859-1?Q?=80?=") == "\xE2\x82\xAC");  // what was meant
}

BOOST_AUTO_TEST_CASE(what_is_no_word_stays) {
    for (const char* text : {"=?", "=?=",
                             "=?"
                             "?=",
                             "=?utf-8", "=?utf-8?", "=?utf-8?q", "=?utf-8?q?", "=?utf-8?q?a",
                             "=?utf-8?q?a?", "=?utf-8?x?a?=", "a=?b", "=?utf-8?qq?a?=", "2 =? 3"})
        BOOST_TEST(decode_words(text) == text);
    BOOST_TEST(decode_words("=?no-such-charset?Q?a?= b") == "=?no-such-charset?Q?a?= b");
    BOOST_TEST(decode_words("=?utf-8?q?=?utf-8?q?a?=") == "=?utf-8?q?a");
}

BOOST_AUTO_TEST_CASE(the_result_is_always_utf8) {
    BOOST_TEST(decode_words("caf\xE9") == "caf\xC3\xA9");
    BOOST_TEST(decode_words("caf\xC3\xA9") == "caf\xC3\xA9");
    BOOST_TEST(decode_words("=?utf-8?Q?=FF?=") == "\xEF\xBF\xBD");
    BOOST_TEST(decode_words("=?utf-8?Q?=ED=A0=80?= \xFF").find('\xED') == std::string::npos);
    BOOST_TEST(!is_utf8("\xC0\xAF"));
    BOOST_TEST(!is_utf8("\xED\xA0\x80"));
    BOOST_TEST(is_utf8("\xF0\x9F\x93\xAE"));
    BOOST_TEST(!is_utf8("\xF0\x9F\x93"));
    BOOST_TEST(to_utf8("a", "").value() == "a");
    BOOST_TEST(!to_utf8("a", std::string(1000, 'x')).has_value());
    BOOST_TEST(to_utf8("+AOQ-", "utf-7").value() == "\xC3\xA4");
}

BOOST_AUTO_TEST_CASE(hostile_values_take_linear_time) {
    for (const char* unit : {"=?", "=?a?", "=?a?q?", "=?a?q?=?=", " =?utf-8?q?a?=", "\xFF"}) {
        std::string value;
        while (value.size() < 500'000)
            value += unit;
        BOOST_TEST(is_utf8(decode_words(value)), unit);
    }
}

BOOST_AUTO_TEST_SUITE_END()
