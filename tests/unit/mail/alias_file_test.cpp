#include "common/mail/alias_file.h"

#include <boost/test/unit_test.hpp>

using namespace veredus::mail;
using Targets = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(alias_file)

BOOST_AUTO_TEST_CASE(names_comments_and_lines_that_go_on) {
    const auto file = parse_alias_file(
        "# aliases\n\nPostmaster: root\nroot:ann, bob@b.example,\n\t\"carol c\"@c.example\n"
        "   # a comment between\n  dave\nlast: \\eve");
    BOOST_TEST(file.faults.size() == 1);  // the blank
    BOOST_REQUIRE(file.aliases.size() == 3);
    BOOST_TEST(file.aliases[0].name == "postmaster");
    BOOST_TEST(file.aliases[0].line == 3);
    BOOST_TEST(file.aliases[1].targets.front() == "ann");
    BOOST_TEST(file.aliases[1].targets[1] == "bob@b.example");
    BOOST_TEST((file.aliases[2].targets == Targets{"eve"}));
}

BOOST_AUTO_TEST_CASE(quotes_protect_commas_and_colons) {
    const auto file = parse_alias_file("\"a:b\": \"x,y@c.example\", z\n");
    BOOST_REQUIRE(file.aliases.size() == 1);
    BOOST_TEST(file.aliases[0].name == "a:b");
    BOOST_TEST((file.aliases[0].targets == Targets{"x,y@c.example", "z"}));
}

BOOST_AUTO_TEST_CASE(what_is_not_delivered_to_is_told_with_its_line_and_the_rest_counts) {
    const auto file = parse_alias_file(
        "a: \"|/usr/bin/prog -x\", ann\nb: /dev/null\nc: :include:/etc/list\nd: ann\n");
    BOOST_REQUIRE(file.faults.size() == 3);
    BOOST_TEST(file.faults[0].line == 1);
    BOOST_TEST(file.faults[0].message == "\"|/usr/bin/prog -x\": mail is not given to programs");
    BOOST_TEST(file.faults[1].message == "/dev/null: mail is not written to files");
    BOOST_TEST(file.faults[2].line == 3);
    BOOST_REQUIRE(file.aliases.size() == 2);
    BOOST_TEST((file.aliases[0].targets == Targets{"ann"}));
    BOOST_TEST(file.aliases[1].name == "d");
}

BOOST_AUTO_TEST_CASE(lines_that_say_nothing_are_told) {
    for (const char* text : {"no colon here\n", ": ann\n", "a:\n", "a: \"ann\n",
                             "a@b.example: ann\n", "a b: ann\n", "\"a: ann\n"}) {
        const auto file = parse_alias_file(text);
        BOOST_TEST(file.aliases.empty(), text);
        BOOST_TEST(file.faults.size() == 1, text);
    }
}

BOOST_AUTO_TEST_CASE(the_first_of_two_counts) {
    const auto file = parse_alias_file("a: ann\nA: bob\n");
    BOOST_REQUIRE(file.aliases.size() == 1);
    BOOST_TEST((file.aliases[0].targets == Targets{"ann"}));
    BOOST_TEST(file.faults.at(0).line == 2);
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_right) {
    BOOST_TEST(parse_alias_file("").faults.empty());
    BOOST_TEST(parse_alias_file("\n \n#\n").faults.empty());
}

BOOST_AUTO_TEST_SUITE_END()
