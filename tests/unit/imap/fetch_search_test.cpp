#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/unit/imap/parse.h"

using namespace veredus::imap;
using namespace veredus::imap::test;

namespace {

std::vector<std::string> names(std::string_view items) {
    std::vector<std::string> result;
    const auto line = "a FETCH 1 " + std::string(items);
    for (const auto& item : arguments<FetchArguments>(line).items)
        result.push_back(item.name);
    return result;
}
using Names = std::vector<std::string>;

std::string search_of(std::string_view keys) {
    return describe(arguments<SearchArguments>("a SEARCH " + std::string(keys)).program.key);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fetch)

BOOST_AUTO_TEST_CASE(macros) {
    BOOST_TEST((names("ALL") == Names{"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"}));
    BOOST_TEST((names("fast") == Names{"FLAGS", "INTERNALDATE", "RFC822.SIZE"}));
    BOOST_TEST(
        (names("FULL") == Names{"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"}));
    BOOST_TEST((names("(UID FAST)") == Names{"UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE"}));
}

BOOST_AUTO_TEST_CASE(items) {
    BOOST_TEST((names("(UID BODYSTRUCTURE BODY uid)") == Names{"UID", "BODYSTRUCTURE", "BODY"}));
    BOOST_TEST((names("(RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)") ==
                Names{"RFC822", "RFC822.HEADER", "RFC822.TEXT", "RFC822.SIZE"}));
    BOOST_TEST((names("(BODY[] BODY.PEEK[TEXT] body[1.2.3])") ==
                Names{"BODY[]", "BODY[TEXT]", "BODY[1.2.3]"}));
    BOOST_TEST((names("BODY.PEEK[4.1.MIME]") == Names{"BODY[4.1.MIME]"}));
    BOOST_TEST((names("BODY.PEEK[3.HEADER]<0.2048>") == Names{"BODY[3.HEADER]<0>"}));
    BOOST_TEST((names("BODY.PEEK[header.fields (Date \"From\")]<10.1>") ==
                Names{"BODY[HEADER.FIELDS (Date From)]<10>"}));
    BOOST_TEST(
        (names("BODY[HEADER.FIELDS.NOT (\"X Y\")]") == Names{"BODY[HEADER.FIELDS.NOT (\"X Y\")]"}));
}

BOOST_AUTO_TEST_CASE(what_sets_seen) {
    const auto items = arguments<FetchArguments>(
                           "a FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT BODY[] BODY.PEEK[] FLAGS)")
                           .items;
    const std::vector<bool> expected{true, false, true, true, false, false};
    for (std::size_t i = 0; i < items.size(); ++i) {
        BOOST_TEST(items[i].sets_seen == expected[i], items[i].name);
    }
}

BOOST_AUTO_TEST_CASE(sections_as_values) {
    const auto item =
        arguments<FetchArguments>("a FETCH 1 BODY[4.2.HEADER.FIELDS (TO)]<5.7>").items.front();
    BOOST_TEST(item.section.part == (std::vector<std::uint32_t>{4, 2}));
    BOOST_TEST((item.section.text == Section::Text::kHeaderFields));
    BOOST_TEST(item.section.fields == std::vector<std::string>{"TO"});
    BOOST_TEST(item.partial->offset == 5U);
    BOOST_TEST(item.partial->count == 7U);
}

BOOST_AUTO_TEST_CASE(refused_items) {
    for (const auto* items : {"",
                              "()",
                              "(FLAGS",
                              "FLAGS UID",
                              "BODY[",
                              "BODY[]<0>",
                              "BODY[]<0.0>",
                              "BODY[MIME]",
                              "BODY[0]",
                              "BODY[1.]",
                              "BODY[1.0]",
                              "BODY[.1]",
                              "BODY[HEADER.FIELDS]",
                              "BODY[HEADER.FIELDS ()]",
                              "BODY[1.FOO]",
                              "BODY.PEEK",
                              "RFC822.PEEK",
                              "BODY[TEXT",
                              "BODY[TEXT]<1.2",
                              "BODY[*]",
                              "(FLAGS) UID",
                              "BINARY[1]"}) {
        BOOST_TEST(refused("a FETCH 1 " + std::string(items)).starts_with("a BAD"), items);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(search)

BOOST_AUTO_TEST_CASE(every_key) {
    const std::vector<std::pair<std::string_view, std::string_view>> keys{
        {"ALL", "(all)"},
        {"ANSWERED", "(flag \\Answered yes)"},
        {"BCC x", "(header \"BCC\" \"x\")"},
        {"BEFORE 1-Feb-1994", "(before  1-Feb-1994)"},
        {"BODY \"a b\"", "(body \"a b\")"},
        {"CC x", "(header \"CC\" \"x\")"},
        {"DELETED", "(flag \\Deleted yes)"},
        {"DRAFT", "(flag \\Draft yes)"},
        {"FLAGGED", "(flag \\Flagged yes)"},
        {"FROM smith", "(header \"FROM\" \"smith\")"},
        {"HEADER Message-ID <a@b>", "(header \"Message-ID\" \"<a@b>\")"},
        {"HEADER X-Spam \"\"", "(header \"X-Spam\" \"\")"},
        {"KEYWORD $Junk", "(keyword $Junk yes)"},
        {"LARGER 4294967295", "(larger 4294967295)"},
        {"NEW", "(and (recent yes) (flag \\Seen no))"},
        {"NOT SEEN", "(not (flag \\Seen yes))"},
        {"OLD", "(recent no)"},
        {"ON \"28-Feb-2024\"", "(on 28-Feb-2024)"},
        {"OR SEEN DRAFT", "(or (flag \\Seen yes) (flag \\Draft yes))"},
        {"RECENT", "(recent yes)"},
        {"SEEN", "(flag \\Seen yes)"},
        {"SENTBEFORE 1-Jan-2000", "(sent-before  1-Jan-2000)"},
        {"SENTON 01-jan-2000", "(sent-on  1-Jan-2000)"},
        {"SENTSINCE 1-Jan-2000", "(sent-since  1-Jan-2000)"},
        {"SINCE 1-Jan-2000", "(since  1-Jan-2000)"},
        {"SMALLER 0", "(smaller 0)"},
        {"SUBJECT x", "(header \"SUBJECT\" \"x\")"},
        {"TEXT x", "(text \"x\")"},
        {"TO x", "(header \"TO\" \"x\")"},
        {"UID 1:*", "(uid 1:0)"},
        {"UNANSWERED", "(flag \\Answered no)"},
        {"UNDELETED", "(flag \\Deleted no)"},
        {"UNDRAFT", "(flag \\Draft no)"},
        {"UNFLAGGED", "(flag \\Flagged no)"},
        {"UNKEYWORD $Junk", "(keyword $Junk no)"},
        {"UNSEEN", "(flag \\Seen no)"},
        {"2,4:7,9,12:*", "(number 2:2 4:7 9:9 12:0)"},
        {"(SEEN (1 2))", "(and (flag \\Seen yes) (and (number 1:1) (number 2:2)))"},
    };
    for (const auto& [text, expected] : keys) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(search_of(text) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(programs) {
    BOOST_TEST(search_of("FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"") ==
               "(and (flag \\Flagged yes) (since  1-Feb-1994) (not (header \"FROM\" \"Smith\")))");
    BOOST_TEST(search_of("CHARSET us-ascii or (from a to b) not 1:3 ") ==
               "(or (and (header \"FROM\" \"a\") (header \"TO\" \"b\")) (not (number 1:3)))");
    SearchKey key = arguments<SearchArguments>("a SEARCH OR FROM a NOT (BODY b SEEN)").program.key;
    std::string texts;
    for_each_text(key, [&](std::string& text) { texts += text; });
    BOOST_TEST(texts == "ab");
}

BOOST_AUTO_TEST_CASE(refused_programs) {
    for (const auto* keys :
         {"", "FOO", "FROM", "SINCE tomorrow", "SINCE 30-Feb-2024", "SINCE 1-Feb-94", "OR SEEN",
          "NOT", "()", "(SEEN", "SEEN)", "LARGER x", "LARGER -1", "KEYWORD \\Seen", "UID x",
          "CHARSET UTF-8", "HEADER x", "ON \"1-Feb-1994", "1:"}) {
        BOOST_TEST(refused("a SEARCH " + std::string(keys)).starts_with("a BAD"), keys);
    }
}

BOOST_AUTO_TEST_SUITE_END()
