#include "common/mail/alias_file.h"

#include <boost/test/unit_test.hpp>

#include "common/mail/host_target.h"

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
    const auto file = parse_alias_file("a: ann bob, ann\nb: |\nc: :include:\nd: ann\n");
    BOOST_REQUIRE(file.faults.size() == 3);
    BOOST_TEST(file.faults[0].line == 1);
    BOOST_TEST(file.faults[0].message ==
               "\"ann bob\" is no address; targets are separated by commas");
    BOOST_TEST(file.faults[1].message == "expected something after the \"|\"");
    BOOST_TEST(file.faults[2].line == 3);
    BOOST_REQUIRE(file.aliases.size() == 2);
    BOOST_TEST((file.aliases[0].targets == Targets{"ann"}));
    BOOST_TEST(file.aliases[1].name == "d");
}

BOOST_AUTO_TEST_CASE(programs_files_and_lists_are_targets) {
    const auto file = parse_alias_file(
        "a: \"|/usr/bin/prog -x 'y, z'\", ann\nb: |\"prog \\\"q\\\"\"\nc: "
        ":include:/etc/list,/dev/null\n");
    BOOST_TEST(file.faults.empty());
    BOOST_REQUIRE(file.aliases.size() == 3);
    BOOST_TEST((file.aliases[0].targets == Targets{"|/usr/bin/prog -x 'y, z'", "ann"}));
    BOOST_TEST((file.aliases[1].targets == Targets{"|prog \"q\""}));
    BOOST_TEST((file.aliases[2].targets == Targets{":include:/etc/list", "/dev/null"}));
}

BOOST_AUTO_TEST_CASE(a_forward_is_a_list_of_targets) {
    const auto list = parse_target_list(
        "# mine\n\\ann, bob@b.example\n\"|procmail -f-\"\n/home/ann/Maildir/\nno address\n");
    BOOST_TEST(
        (list.targets == Targets{"\\ann", "bob@b.example", "|procmail -f-", "/home/ann/Maildir/"}));
    BOOST_REQUIRE(list.faults.size() == 1);
    BOOST_TEST(list.faults[0].line == 5);
}

BOOST_AUTO_TEST_CASE(what_is_no_address_becomes_one_and_comes_back) {
    for (const char* target :
         {"|/usr/bin/prog -x \"y\" a@b", "/var/mail/x", "\\ann", ":include:/etc/list", "|a\\b"}) {
        BOOST_TEST(is_host_target(target), target);
        BOOST_TEST(host_target_of(host_target_address(target, "b.example")).value() == target);
    }
    for (const char* address : {"ann@b.example", "\"ann bob\"@b.example", "\"\"@b.example"})
        BOOST_TEST(!host_target_of(address).has_value(), address);
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
