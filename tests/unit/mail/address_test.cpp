#include <boost/test/unit_test.hpp>

#include "common/mail/address.h"

using namespace veredus::mail;

namespace {

// "name/route/mailbox/host" of each entry; "-" for nothing, "name{" and "}" for groups.
std::string show(std::string_view value) {
    std::string out;
    for (const Address& address : parse_address_list(value)) {
        if (!out.empty()) out += " | ";
        if (address.kind == Address::Kind::kGroupStart)
            out += address.name.value_or("-") + '{';
        else if (address.kind == Address::Kind::kGroupEnd)
            out += '}';
        else
            out += address.name.value_or("-") + '/' + address.route.value_or("-") + '/' +
                   address.mailbox + '/' + address.host;
    }
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(address)

// RFC 5322 appendix A.1.2 to A.6.3.
BOOST_AUTO_TEST_CASE(the_examples_of_rfc_5322) {
    BOOST_TEST(show("\"Joe Q. Public\" <john.q.public@example.com>") ==
               "Joe Q. Public/-/john.q.public/example.com");
    BOOST_TEST(show("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>") ==
               "Mary Smith/-/mary/x.test | -/-/jdoe/example.org | Who?/-/one/y.test");
    BOOST_TEST(show("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>") ==
               "-/-/boss/nil.test | Giant; \"Big\" Box/-/sysservices/example.net");
    BOOST_TEST(show("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;") ==
               "A Group{ | Ed Jones/-/c/a.test | -/-/joe/where.test | John/-/jdoe/one.test | }");
    BOOST_TEST(show("Undisclosed recipients:;") == "Undisclosed recipients{ | }");
    BOOST_TEST(show("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>") ==
               "Pete/-/pete/silly.test");
    BOOST_TEST(
        show("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
             "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end "
             "of the group)") ==
        "A Group{ | Chris Jones/-/c/public.example | -/-/joe/example.org | "
        "John/-/jdoe/one.test | }");
    BOOST_TEST(show("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;") ==
               "Hidden recipients{ | }");
    BOOST_TEST(show("Joe Q. Public <john.q.public@example.com>") ==
               "Joe Q. Public/-/john.q.public/example.com");
    BOOST_TEST(show("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example") ==
               "Mary Smith/@node.test/mary/example.net | -/-/jdoe/test.example");
    BOOST_TEST(show("John Doe <jdoe@machine(comment).  example>") ==
               "John Doe/-/jdoe/machine.example");
    BOOST_TEST(show("Mary Smith\r\n  \r\n          <mary@example.net>") ==
               "Mary Smith/-/mary/example.net");
}

BOOST_AUTO_TEST_CASE(names_in_comments_and_encoded_words) {
    BOOST_TEST(show("jdoe@example.org (John Doe)") == "John Doe/-/jdoe/example.org");
    BOOST_TEST(show("<jdoe@example.org> (John (the first) Doe), b@c") ==
               "John (the first) Doe/-/jdoe/example.org | -/-/b/c");
    BOOST_TEST(show("=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>") ==
               "=?ISO-8859-1?Q?Andr=E9?= Pirard/-/PIRARD/vm1.ulg.ac.be");
    BOOST_TEST(show("(mailbox in US-ASCII)").empty());
}

BOOST_AUTO_TEST_CASE(local_parts_and_hosts) {
    BOOST_TEST(show("\"john doe\"@example.org") == "-/-/john doe/example.org");
    BOOST_TEST(show("\"a\".b.\"c d\"@example.org") == "-/-/a.b.c d/example.org");
    BOOST_TEST(show("john . doe @ example . org") == "-/-/john.doe/example.org");
    BOOST_TEST(show("a@[192.0.2.1], <b@[IPv6:2001:db8::1]>") ==
               "-/-/a/[192.0.2.1] | -/-/b/[IPv6:2001:db8::1]");
    BOOST_TEST(show("<@a.test,@b.test:c@d.test>") == "-/@a.test,@b.test/c/d.test");
    BOOST_TEST(show("root") == "-/-/root/");
    BOOST_TEST(show("<root>") == "-/-/root/");
    BOOST_TEST(show("j\xC3\xB6rg@b\xC3\xBC"
                    "cher.example") ==
               "-/-/j\xC3\xB6rg/b\xC3\xBC"
               "cher.example");
}

// RFC 7103 section 7.1.
BOOST_AUTO_TEST_CASE(what_is_wrong_and_what_was_meant) {
    BOOST_TEST(show("<<<third@example.net>>>") == "-/-/third/example.net");
    BOOST_TEST(show("<third@example.net") == "-/-/third/example.net");
    BOOST_TEST(show("second@example.org>") == "-/-/second/example.org");
    BOOST_TEST(show("(Testing <fran@example.com>") == "Testing/-/fran/example.com");
    BOOST_TEST(show("Testing) <sam@example.com>") == "Testing)/-/sam/example.com");
    BOOST_TEST(show("<third@example.net, fourth@example.net>") ==
               "-/-/third/example.net | -/-/fourth/example.net");
    BOOST_TEST(show("\"Joe <joe@example.com>") == "Joe/-/joe/example.com");
    BOOST_TEST(show("joe@example.com <joe@example.com>") == "joe@example.com/-/joe/example.com");
    BOOST_TEST(show("A <a@b.test> C <c@d.test>") == "A/-/a/b.test | C/-/c/d.test");
    BOOST_TEST(show("Mary Smith mary@x.test") == "Mary Smith/-/mary/x.test");
    BOOST_TEST(show("Friends: a@b.test, c@d.test") == "Friends{ | -/-/a/b.test | -/-/c/d.test | }");
    BOOST_TEST(show("a@b.test; c@d.test") == "-/-/a/b.test | -/-/c/d.test");
    BOOST_TEST(show("G:<a@b.test;, c@d.test") == "G{ | -/-/a/b.test | } | -/-/c/d.test");
    BOOST_TEST(show("").empty());
    BOOST_TEST(show(",,, ,").empty());
    BOOST_TEST(show("a@b@c.test") == "-/-/a@b/c.test");
}

BOOST_AUTO_TEST_CASE(hostile_lists_take_linear_time) {
    for (const char* unit :
         {"(", "\"", "[", "<", "\\\"", "(\\", "a:", "@", ",", "<a", "[a@", ";"}) {
        std::string value;
        while (value.size() < 1'000'000)
            value += unit;
        BOOST_TEST(parse_address_list(value).size() <= kAddressesMax + 1, unit);
    }
    std::string group = "g:";
    while (group.size() < 1'000'000)
        group += "a@b,";
    const auto list = parse_address_list(group);
    BOOST_TEST(list.size() == kAddressesMax + 1);
    BOOST_TEST((list.back().kind == Address::Kind::kGroupEnd));
}

BOOST_AUTO_TEST_CASE(writing) {
    BOOST_TEST(parse_address_list("\"john doe\"@example.org")[0].spec() ==
               "\"john doe\"@example.org");
    BOOST_TEST(parse_address_list("a.b@example.org")[0].spec() == "a.b@example.org");
    BOOST_TEST(quote_local_part("a..b") == "\"a..b\"");
    BOOST_TEST(quote_local_part("") == "\"\"");
    BOOST_TEST(quote_local_part("a\"b\\") == "\"a\\\"b\\\\\"");
    BOOST_TEST(address_text("Joe Blow", "a@b") == "Joe Blow <a@b>");
    BOOST_TEST(address_text("Blow, Joe", "a@b") == "\"Blow, Joe\" <a@b>");
    BOOST_TEST(address_text("", "a@b") == "a@b");
}

BOOST_AUTO_TEST_SUITE_END()
