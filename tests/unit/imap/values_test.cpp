#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/imap/chars.h"
#include "common/imap/date_time.h"
#include "common/imap/mailbox_name.h"
#include "common/imap/response.h"
#include "common/imap/sequence_set.h"

using namespace veredus::imap;

BOOST_AUTO_TEST_SUITE(values)

BOOST_AUTO_TEST_CASE(sequence_sets) {
    using Range = SequenceSet::Range;
    using Ranges = std::vector<Range>;
    const auto star = SequenceSet::kStar;
    // RFC 3501 section 9: both examples of sequence-set.
    BOOST_TEST((SequenceSet(Ranges{{2, 2}, {4, 7}, {9, 9}, {12, star}}).resolved(15) ==
                Ranges{{2, 2}, {4, 7}, {9, 9}, {12, 15}}));
    BOOST_TEST((SequenceSet(Ranges{{star, 4}, {5, 7}}).resolved(10) == Ranges{{4, 10}}));
    // 559:* has the last message even where 559 is beyond it (section 6.4.8).
    BOOST_TEST((SequenceSet(Ranges{{559, star}}).resolved(10) == Ranges{{10, 559}}));
    BOOST_TEST((SequenceSet(Ranges{{1, star}, {star, star}}).resolved(0) == Ranges{}));
    BOOST_TEST((SequenceSet(Ranges{{3, 1}, {4, 4}, {6, 6}}).resolved(9) == Ranges{{1, 4}, {6, 6}}));
    const auto resolved = SequenceSet(Ranges{{2, 4}, {9, 9}}).resolved(9);
    std::string in;
    for (std::uint32_t i = 1; i <= 10; ++i)
        in += contains(resolved, i) ? 'x' : '.';
    BOOST_TEST(in == ".xxx....x.");
    BOOST_TEST(set_text({304, 319, 320}) == "304,319:320");
    BOOST_TEST(set_text({3956, 3957, 3958}) == "3956:3958");
    BOOST_TEST(set_text({5, 4, 3}) == "5,4,3");
    BOOST_TEST(set_text({}) == "");
}

BOOST_AUTO_TEST_CASE(dates) {
    const auto date = parse_date_time("17-Jul-1996 02:44:25 -0700");
    BOOST_REQUIRE(date.has_value());
    BOOST_TEST(date->unix_seconds == 837596665);
    BOOST_TEST(date->zone_minutes == -420);
    for (const auto* text :
         {"17-Jul-1996 02:44:25 -0700", " 1-Jan-1970 00:00:00 +0000", "29-Feb-2024 23:59:59 +1345",
          "31-Dec-9999 23:59:59 +0000", " 1-Jan-0001 00:00:00 -0030"}) {
        BOOST_TEST(date_time_text(parse_date_time(text).value()) == text);
    }
    BOOST_TEST(date_time_text(*parse_date_time("1-jan-2024 00:00:00 +0100")) ==
               " 1-Jan-2024 00:00:00 +0100");
    BOOST_TEST(date_time_text({INT64_MAX / 2000000, 0}) == "31-Dec-9999 23:59:59 +0000");
    for (const auto* text :
         {"", "17-Jul-1996", "17-Jul-1996 24:00:00 +0000", "31-Jun-1996 02:44:25 -0700",
          "17-Jul-96 02:44:25 -0700", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 0700",
          "17-Jul-1996 02:44:25 -070", "17-Jul-1996 02:44:25 -0760", "17-Foo-1996 02:44:25 -0700",
          "17-Jul-1996 02:44:25 -07000", "17-Jul-1996  02:44:25 -0700"}) {
        BOOST_TEST(!parse_date_time(text).has_value(), text);
    }
    // SEARCH compares the day that the date's own zone had (section 6.4.4).
    BOOST_TEST((local_day(*parse_date_time("1-Feb-1994 23:30:00 -0800")) ==
                parse_date("1-Feb-1994").value()));
    BOOST_TEST(!parse_date("29-Feb-2023").has_value());
    BOOST_TEST(!parse_date("1-Feb-1994 ").has_value());
}

BOOST_AUTO_TEST_CASE(modified_utf7) {
    const std::vector<std::pair<std::string, std::string>> names{
        {"INBOX", "INBOX"},
        {"a&b", "a&-b"},
        {"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
         "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},  // RFC 3501 section 5.1.3
        {"\xe5\x8f\xb0\xe5\x8c\x97\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "&U,BTF2XlZyyKng-"},
        {"\xe2\x98\xba!", "&Jjo-!"},
        {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
        {"\xf0\x9f\x98\x80", "&2D3eAA-"},
        {"\xc3\xa4&\xc3\xb6", "&AOQ-&-&APY-"},
        {"a\tb", "a&AAk-b"},
    };
    for (const auto& [utf8, wire] : names) {
        BOOST_TEST(to_modified_utf7(utf8) == wire);
        BOOST_TEST(from_modified_utf7(wire).value_or("nothing") == utf8);
    }
    for (const auto* wire :
         {"&Jjo!", "&U,BTFw-&ZeVnLIqe-", "&", "a&b", "&AGE-", "&2D0-", "&3gA-", "&AOR-", "&AOQ",
          "&AOQA-", "\xc3\xa4", "a\tb", "&A OQ-", "&AOQ=-", "&-&", "&2D0AYQ-"}) {
        BOOST_TEST(!from_modified_utf7(wire).has_value(), wire);
    }
}

BOOST_AUTO_TEST_CASE(mailbox_names) {
    NameError error{};
    const auto name = [&](std::string_view wire) {
        const auto result = mailbox_name(wire, error);
        return result ? result->utf8 : "nothing";
    };
    BOOST_TEST(name("inBox") == "INBOX");
    BOOST_TEST(name("inbox/Sub") == "INBOX/Sub");
    BOOST_TEST(name("inboxes") == "inboxes");
    BOOST_TEST(name("a/inbox") == "a/inbox");
    BOOST_TEST(name("Entw&APw-rfe") == "Entw\xc3\xbcrfe");
    for (const auto* wire : {"", "/", "/a", "a/", "a//b"}) {
        BOOST_TEST(name(wire) == "nothing", wire);
        BOOST_TEST((error == NameError::kEmptyLevel));
    }
    BOOST_TEST(name("a&b") == "nothing");
    BOOST_TEST((error == NameError::kNotModifiedUtf7));
    BOOST_TEST(name("a&AAk-b") == "nothing");
    BOOST_TEST((error == NameError::kControl));
    BOOST_TEST(name(std::string(kNameOctetsMax + 1, 'x')) == "nothing");
    BOOST_TEST((error == NameError::kTooLong));
    BOOST_TEST(superior("a/b/c") == "a/b");
    BOOST_TEST(superior("a") == "");
    BOOST_TEST(is_inferior("a/b", "a"));
    BOOST_TEST(!is_inferior("ab/c", "a"));
    BOOST_TEST(!is_inferior("a", "a"));
}

BOOST_AUTO_TEST_CASE(list_patterns) {
    const auto matches = [](std::string_view pattern, std::string_view name) {
        return ListPattern("", pattern).matches(name);
    };
    BOOST_TEST(matches("*", "a/b/c"));
    BOOST_TEST(matches("%", "a"));
    BOOST_TEST(!matches("%", "a/b"));
    BOOST_TEST(matches("a/%", "a/b"));
    BOOST_TEST(!matches("a/%", "a/b/c"));
    BOOST_TEST(!matches("a/%", "a"));
    BOOST_TEST(matches("%/%", "a/b"));
    BOOST_TEST(matches("a*c", "a/b/c"));
    BOOST_TEST(!matches("a%c", "a/b/c"));
    BOOST_TEST(matches("%b%/c*", "abb/cx/y"));
    BOOST_TEST(matches("", ""));
    BOOST_TEST(!matches("", "a"));
    BOOST_TEST(matches("inbox", "INBOX"));
    BOOST_TEST(matches("iN%", "INBOX"));
    BOOST_TEST(matches("InBoX/%", "INBOX/sub"));
    BOOST_TEST(!matches("inbox/SUB", "INBOX/sub"));
    BOOST_TEST(!matches("SENT", "Sent"));
    BOOST_TEST(ListPattern("a/", "%").matches("a/b"));
    BOOST_TEST(ListPattern("a%", "%*%").text() == "a*");
    // No pattern makes it slow.
    std::string stars;
    for (int i = 0; i < 500; ++i)
        stars += "*a";
    BOOST_TEST(!matches(stars + "b", std::string(kNameOctetsMax, 'a')));
}

BOOST_AUTO_TEST_CASE(responses) {
    BOOST_TEST(status_line("a1", ok("SELECT completed", Code::kReadWrite)) ==
               "a1 OK [READ-WRITE] SELECT completed\r\n");
    BOOST_TEST(status_line("A003", ok("Done", Code::kCopyUid, "38505 304,319:320 3956:3958")) ==
               "A003 OK [COPYUID 38505 304,319:320 3956:3958] Done\r\n");
    BOOST_TEST(status_line(kUntagged, bye("so\r\nlong")) == "* BYE so??long\r\n");
    BOOST_TEST(status_line("x", no("")) == "x NO Done\r\n");
    BOOST_TEST(code_text(Code::kUseAttr) == "USEATTR");
    BOOST_TEST(code_text(Code::kUnavailable) == "UNAVAILABLE");

    const auto put = [](auto f, const auto& text) {
        std::string out;
        f(out, text);
        return out;
    };
    const auto astring = [](std::string& out, std::string_view text) { put_astring(out, text); };
    const auto string = [](std::string& out, std::string_view text) { put_string(out, text); };
    BOOST_TEST(put(astring, std::string_view("INBOX")) == "INBOX");
    BOOST_TEST(put(astring, std::string_view("a]b")) == "a]b");
    BOOST_TEST(put(astring, std::string_view("two words")) == "\"two words\"");
    BOOST_TEST(put(astring, std::string_view("")) == "\"\"");
    BOOST_TEST(put(astring, std::string_view("nil")) == "\"nil\"");
    BOOST_TEST(put(string, std::string_view("a\"\\")) == "\"a\\\"\\\\\"");
    BOOST_TEST(put(string, std::string_view("a\r\nb")) == "{4}\r\na\r\nb");
    BOOST_TEST(put(string, std::string_view("\xc3\xa4")) == "{2}\r\n\xc3\xa4");
    std::string out;
    put_nstring(out, std::nullopt);
    put_nstring(out, "");
    BOOST_TEST(out == "NIL\"\"");
}

BOOST_AUTO_TEST_SUITE_END()
