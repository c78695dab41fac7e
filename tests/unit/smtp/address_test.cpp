#include <boost/test/unit_test.hpp>
#include <optional>
#include <ostream>
#include <string>

#include "common/smtp/address.h"

using namespace veredus::smtp;

namespace veredus::smtp {

std::ostream& operator<<(std::ostream& out, AddressError error) {
    return out << address_error_text(error);
}

}  // namespace veredus::smtp

namespace {

const std::string k63(63, 'a');
const std::string k64(64, 'a');

BOOST_AUTO_TEST_SUITE(address)

BOOST_AUTO_TEST_CASE(mailboxes_and_their_canonical_text) {
    struct Case {
        std::string typed, local_part, domain, text;
    };
    const Case cases[] = {
        {"bob@example.org", "bob", "example.org", "bob@example.org"},
        {"Bob@EXAMPLE.Org", "Bob", "example.org", "Bob@example.org"},
        {"a.b+c=d@x", "a.b+c=d", "x", "a.b+c=d@x"},
        {"!#$%&'*+-/=?^_`{|}~@x.y", "!#$%&'*+-/=?^_`{|}~", "x.y", "!#$%&'*+-/=?^_`{|}~@x.y"},
        {"\"bob\"@x", "bob", "x", "bob@x"},
        {"\"bob smith\"@x", "bob smith", "x", "\"bob smith\"@x"},
        {"\"Joe\\,Smith\"@x", "Joe,Smith", "x", "\"Joe,Smith\"@x"},
        {"\"a\\\"b\\\\c\"@x", "a\"b\\c", "x", "\"a\\\"b\\\\c\"@x"},
        {"\"a@b\"@x", "a@b", "x", "\"a@b\"@x"},
        {"\"<>\"@x", "<>", "x", "\"<>\"@x"},
        {"a..b@x", "a..b", "x", "\"a..b\"@x"},
        {".a@x", ".a", "x", "\".a\"@x"},
        {"a.@x", "a.", "x", "\"a.\"@x"},
        {"a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
        {"a@[IPv6:2001:DB8:0::1]", "a", "[ipv6:2001:db8::1]", "a@[ipv6:2001:db8::1]"},
        {"a@1.2.3.4", "a", "1.2.3.4", "a@1.2.3.4"},
        {"a@x-y.3com.com", "a", "x-y.3com.com", "a@x-y.3com.com"},
        {k64 + "@x", k64, "x", k64 + "@x"},
        {"a@" + k63 + ".org", "a", k63 + ".org", "a@" + k63 + ".org"},
    };
    for (const auto& one : cases) {
        const auto mailbox = Mailbox::parse(one.typed);
        BOOST_REQUIRE_MESSAGE(mailbox, one.typed);
        BOOST_TEST(mailbox->local_part() == one.local_part);
        BOOST_TEST(mailbox->domain().text() == one.domain);
        BOOST_TEST(mailbox->text() == one.text);
        BOOST_TEST((Mailbox::parse(mailbox->text()) == mailbox));
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_mailbox_says_why) {
    struct Case {
        std::string typed;
        AddressError error;
    };
    const std::string long_domain = k63 + '.' + k63 + '.' + k63 + '.' + k63 + ".a";
    const Case cases[] = {
        {"", AddressError::empty},
        {"bob", AddressError::no_domain},
        {"@x", AddressError::no_local_part},
        {"\"\"@x", AddressError::no_local_part},
        {"a b@x", AddressError::bad_local_part},
        {"a<b@x", AddressError::bad_local_part},
        {"\"a@x", AddressError::bad_quotes},
        {"\"a\"b@x", AddressError::bad_quotes},
        {"a\"b\"@x", AddressError::bad_quotes},
        {"\"a\\\"@x", AddressError::bad_quotes},
        {std::string(65, 'a') + "@x", AddressError::local_part_too_long},
        {"a@", AddressError::bad_domain},
        {"a@x.", AddressError::bad_domain},
        {"a@.x", AddressError::bad_domain},
        {"a@x..y", AddressError::bad_domain},
        {"a@-x", AddressError::bad_domain},
        {"a@x-", AddressError::bad_domain},
        {"a@x_y", AddressError::bad_domain},
        {"a@b@c", AddressError::bad_domain},
        {"a@x y", AddressError::bad_domain},
        {"a@" + k64 + ".org", AddressError::domain_too_long},
        {"a@" + long_domain, AddressError::domain_too_long},
        {"a@[1.2.3]", AddressError::bad_literal},
        {"a@[1.2.3.256]", AddressError::bad_literal},
        {"a@[192.0.2.1", AddressError::bad_literal},
        {"a@[IPv6:1.2.3.4]", AddressError::bad_literal},
        {"a@[2001:db8::1]", AddressError::bad_literal},
        {"a@[tag:text]", AddressError::bad_literal},
        {"a@[]", AddressError::bad_literal},
        {"caf\xc3\xa9@x", AddressError::non_ascii},
        {"a@\xc3\xa9.x", AddressError::non_ascii},
        {"a\tb@x", AddressError::control_character},
        {"\"a\x01\"@x", AddressError::control_character},
        {std::string("a\0b@x", 5), AddressError::control_character},
    };
    for (const auto& one : cases) {
        const auto mailbox = Mailbox::parse(one.typed);
        BOOST_REQUIRE_MESSAGE(!mailbox, one.typed);
        BOOST_TEST(mailbox.error() == one.error, one.typed);
    }
}

BOOST_AUTO_TEST_CASE(domains_compare_without_case_and_local_parts_with_it) {
    BOOST_TEST((Mailbox::parse("a@X.org") == Mailbox::parse("a@x.ORG")));
    BOOST_TEST((Mailbox::parse("\"a\"@x") == Mailbox::parse("a@x")));
    BOOST_TEST((Mailbox::parse("A@x") != Mailbox::parse("a@x")));
    BOOST_TEST(Mailbox::parse("PostMaster@x")->is_postmaster());
    BOOST_TEST(!Mailbox::parse("postmaster2@x")->is_postmaster());
}

BOOST_AUTO_TEST_CASE(a_literal_gives_its_address) {
    BOOST_TEST(Domain::parse("[192.0.2.1]")->ip() == "192.0.2.1");
    BOOST_TEST(Domain::parse("[IPv6:::1]")->ip() == "::1");
    BOOST_TEST(Domain::parse("example.org")->ip() == "");
}

BOOST_AUTO_TEST_CASE(reverse_paths_as_people_type_them) {
    struct Case {
        std::string_view typed, path, rest;
    };
    const Case cases[] = {
        {"<a@b.example>", "a@b.example", ""},
        {"<>", "", ""},
        {"  <a@b.example> SIZE=1", "a@b.example", " SIZE=1"},
        {"a@b.example", "a@b.example", ""},
        {"a@b.example SIZE=1", "a@b.example", " SIZE=1"},
        {"< a@b.example >", "a@b.example", ""},
        {"<\"a>b\"@c>", "\"a>b\"@c", ""},
        {"\"a b\"@c SIZE=1", "\"a b\"@c", " SIZE=1"},
        {"<@x.example:a@b>", "a@b", ""},
        {"<@x.example,@y.example:a@b>x", "a@b", "x"},
    };
    for (const auto& one : cases) {
        std::string_view text = one.typed;
        const auto path = take_reverse_path(text);
        BOOST_REQUIRE_MESSAGE(path, one.typed);
        BOOST_TEST(path->text() == one.path);
        BOOST_TEST(path->is_null() == one.path.empty());
        BOOST_TEST(text == one.rest);
    }
}

BOOST_AUTO_TEST_CASE(bad_paths_say_why) {
    struct Case {
        std::string_view typed;
        AddressError error;
    };
    const Case cases[] = {
        {"", AddressError::empty},
        {"<a@b", AddressError::no_closing_bracket},
        {"<\"a>b@c", AddressError::no_closing_bracket},
        {"John <a@b>", AddressError::no_domain},
        {"<@x.example>", AddressError::no_local_part},
        {"<@x,y:a@b>", AddressError::bad_route},
        {"<@x,:a@b>", AddressError::bad_route},
        {"<@x_y:a@b>", AddressError::bad_route},
        {"<root>", AddressError::no_domain},
    };
    for (const auto& one : cases) {
        std::string_view text = one.typed;
        const auto path = take_reverse_path(text);
        BOOST_REQUIRE_MESSAGE(!path, one.typed);
        BOOST_TEST(path.error() == one.error, one.typed);
    }
    std::string_view nobody = "<>";
    BOOST_TEST((take_forward_path(nobody) == std::unexpected(AddressError::empty)));
}

BOOST_AUTO_TEST_CASE(postmaster_needs_no_domain) {
    const auto own = Domain::parse("example.org").value();
    for (std::string_view typed : {"<Postmaster>", "POSTMASTER", "<postmaster>"}) {
        const auto path = take_forward_path(typed);
        BOOST_REQUIRE(path);
        BOOST_TEST(path->is_postmaster_here());
        BOOST_TEST(path->resolve(own).text() == "postmaster@example.org");
    }
    std::string_view elsewhere = "<postmaster@b.example>";
    const auto path = take_forward_path(elsewhere);
    BOOST_TEST(!path->is_postmaster_here());
    BOOST_TEST(path->resolve(own).text() == "postmaster@b.example");
}

BOOST_AUTO_TEST_CASE(local_programs_may_leave_the_domain_out) {
    const auto own = Domain::parse("host.example.org").value();
    std::string_view sender = "<root>";
    BOOST_TEST(take_reverse_path(sender, &own)->text() == "root@host.example.org");
    std::string_view recipient = "alice";
    BOOST_TEST(take_forward_path(recipient, &own)->text() == "alice@host.example.org");
    std::string_view quoted = "<\"a@b c\">";
    BOOST_TEST(take_forward_path(quoted, &own)->text() == "\"a@b c\"@host.example.org");
    std::string_view whole = "<a@b.example>";
    BOOST_TEST(take_forward_path(whole, &own)->text() == "a@b.example");
    std::string_view null = "<>";
    BOOST_TEST(take_reverse_path(null, &own)->is_null());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
