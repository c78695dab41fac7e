#include <boost/test/unit_test.hpp>

#include "common/mail/date.h"

using namespace veredus::mail;

namespace {

struct Case {
    const char* text;
    std::int64_t unix_seconds;
    int offset_minutes;
    bool offset_known;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(date)

BOOST_AUTO_TEST_CASE(writes) {
    BOOST_TEST(date_text({.unix_seconds = 1057049557, .offset_minutes = 120}) ==
               "Tue, 1 Jul 2003 10:52:37 +0200");
    BOOST_TEST(date_text({.unix_seconds = 0}) == "Thu, 1 Jan 1970 00:00:00 +0000");
    BOOST_TEST(date_text({.unix_seconds = 0, .offset_known = false}) ==
               "Thu, 1 Jan 1970 00:00:00 -0000");
    BOOST_TEST(date_text({.unix_seconds = -27723426, .offset_minutes = -210}) ==
               "Thu, 13 Feb 1969 23:32:54 -0330");
    BOOST_TEST(internal_date_text({.unix_seconds = 837596665, .offset_minutes = -420}) ==
               "17-Jul-1996 02:44:25 -0700");
    BOOST_TEST(internal_date_text({.unix_seconds = 0}) == " 1-Jan-1970 00:00:00 +0000");
    BOOST_TEST(mbox_date_text(533240568) == "Mon Nov 24 18:22:48 1986");
    BOOST_TEST(mbox_date_text(0) == "Thu Jan  1 00:00:00 1970");
}

BOOST_AUTO_TEST_CASE(writes_the_nearest_year_it_can) {
    BOOST_TEST(date_text({.unix_seconds = INT64_MAX}).substr(5, 11) == "31 Dec 9999");
    BOOST_TEST(date_text({.unix_seconds = INT64_MIN}).substr(5, 10) == "1 Jan 1900");
}

BOOST_AUTO_TEST_CASE(reads_what_the_rfcs_show) {
    const Case cases[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, true},
        {"Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120, true},
        // RFC 5322 appendix A.5, A.6.2, A.6.3
        {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
         "               -0330 (Newfoundland Time)",
         -27723480, -210, true},
        {"21 Nov 97 09:55:06 GMT", 880106106, 0, true},
        {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360, true},
    };
    for (const Case& c : cases) {
        const auto read = parse_date(c.text);
        BOOST_REQUIRE_MESSAGE(read.has_value(), c.text);
        BOOST_TEST(read->unix_seconds == c.unix_seconds, c.text);
        BOOST_TEST(read->offset_minutes == c.offset_minutes, c.text);
        BOOST_TEST(read->offset_known == c.offset_known, c.text);
    }
}

BOOST_AUTO_TEST_CASE(reads_what_programs_write) {
    const Case cases[] = {
        {"Thu Feb 13 23:32:54 1969", -27736026, 0, false},
        {"Fri, 21 Nov 1997 09:55:06 EST", 880124106, -300, true},
        {"Fri, 21 Nov 1997 09:55:06 PDT", 880131306, -420, true},
        {"Fri, 21 Nov 1997 09:55:06 -0000", 880106106, 0, false},
        {"Fri, 21 Nov 1997 09:55:06", 880106106, 0, false},
        {"Fri, 21 Nov 1997 09:55:06 Q", 880106106, 0, false},
        {"Fri, 21 Nov 1997 09:55:06 CEST", 880106106, 0, false},
        {"Friday, 21-Nov-97 09:55:06 GMT", 880106106, 0, true},
        {"Mon, 21 Nov 1997 09:55:06 +0000", 880106106, 0, true},  // it was a Friday
        {"21 Nov 1997 09:55:06.123 +0000", 880106106, 0, true},
        {"21 November 1997 09:55 +0000", 880106100, 0, true},
        {"31 Dec 1998 23:59:60 +0000", 915148800, 0, true},
        {"21 Nov 103 09:55:06 GMT", 1069408506, 0, true},
        {"21 Nov 49 00:00:00 GMT", 2521065600, 0, true},
        {"21 Nov 50 00:00:00 GMT", -603158400, 0, true},
    };
    for (const Case& c : cases) {
        const auto read = parse_date(c.text);
        BOOST_REQUIRE_MESSAGE(read.has_value(), c.text);
        BOOST_TEST(read->unix_seconds == c.unix_seconds, c.text);
        BOOST_TEST(read->offset_minutes == c.offset_minutes, c.text);
        BOOST_TEST(read->offset_known == c.offset_known, c.text);
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_no_calendar_has) {
    for (const char* wrong :
         {"", "yesterday", "30 Feb 2024 00:00:00 +0000", "29 Feb 2023 00:00:00 +0000",
          "1 Jan 2024 24:00:00 +0000", "1 Jan 2024 00:60:00 +0000", "1 Jan 2024 00:00:61 +0000",
          "0 Jan 2024 00:00:00 +0000", "1 Foo 2024 00:00:00 +0000", "1 Jan 20244 00:00:00 +0000",
          "1 Jan", "1 Jan 2024", "1 Jan 2024 10", "(", "Mon", "99999999999999999999"})
        BOOST_TEST(!parse_date(wrong).has_value(), wrong);
    BOOST_TEST(!parse_date(std::string(100'000, '(')).has_value());
}

BOOST_AUTO_TEST_CASE(internal_date_is_strict) {
    const DateTime expected{.unix_seconds = 837596665, .offset_minutes = -420};
    BOOST_TEST((parse_internal_date("17-Jul-1996 02:44:25 -0700") == expected));
    BOOST_TEST(parse_internal_date(" 1-Jan-1970 00:00:00 +0000")->unix_seconds == 0);
    BOOST_TEST(parse_internal_date("1-Jan-1970 00:00:00 +0000")->unix_seconds == 0);
    for (const char* wrong :
         {"", "17 Jul 1996 02:44:25 -0700", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 GMT",
          "17-Jul-96 02:44:25 -0700", "32-Jul-1996 02:44:25 -0700", "17-Jul-1996 25:44:25 -0700",
          "17-Jul-1996 02:44:25 -0760", "17-Jul-1996 02:44:25 -07000", "17-Xxx-1996 02:44:25 +0000",
          "+7-Jul-1996 02:44:25 -0700"})
        BOOST_TEST(!parse_internal_date(wrong).has_value(), wrong);
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_the_same) {
    for (const std::int64_t seconds : {-2208988800L, -1L, 0L, 951782400L, 1709210096L, 4102444800L})
        for (const int offset : {-720, -210, 0, 90, 345, 840}) {
            const DateTime at{.unix_seconds = seconds, .offset_minutes = offset};
            BOOST_TEST((parse_date(date_text(at)) == at), date_text(at));
            BOOST_TEST((parse_internal_date(internal_date_text(at)) == at));
        }
}

BOOST_AUTO_TEST_SUITE_END()
