#define BOOST_TEST_MODULE account
#include <sodium.h>

#include <boost/test/unit_test.hpp>

#include "spool/account/account_store.h"
#include "spool/account/password.h"
#include "spool/disk/real_disk.h"
#include "tests/unit/spool/temporary_directory.h"

using namespace veredus::spool;
using Targets = std::vector<std::string>;

namespace {

struct Fixture {
    TemporaryDirectory place;
    std::unique_ptr<Directory> directory = open_real_directory(place.path());
    AccountStore store{*directory, "accounts.db", {"a.example", "b.example"}};

    Fixture() {
        store.add_user("Alice@A.example", "hash-of-alice", 1);
        store.add_user("bob@b.example", "hash-of-bob", 2);
    }
    std::string mailbox(std::string_view address) {
        const auto resolution = store.resolve(address);
        const auto* found = std::get_if<AccountStore::Mailbox>(&resolution);
        return found != nullptr ? found->user : "";
    }
    Targets alias(std::string_view address) {
        const auto resolution = store.resolve(address);
        const auto* found = std::get_if<AccountStore::Alias>(&resolution);
        return found != nullptr ? found->targets : Targets{};
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(accounts, Fixture)

BOOST_AUTO_TEST_CASE(addresses_lead_to_their_users) {
    BOOST_TEST(mailbox("ALICE@a.EXAMPLE") == "alice@a.example");
    BOOST_TEST(mailbox("alice+lists@a.example") == "alice@a.example");
    BOOST_TEST(mailbox("alice@b.example") == "");
    BOOST_TEST(std::holds_alternative<AccountStore::Unknown>(store.resolve("alice@b.example")));
    BOOST_TEST(std::holds_alternative<AccountStore::Unknown>(store.resolve("+x@a.example")));
    BOOST_TEST(std::holds_alternative<AccountStore::NotLocal>(store.resolve("alice@c.example")));
    BOOST_TEST(std::holds_alternative<AccountStore::NotLocal>(store.resolve("alice")));
}

BOOST_AUTO_TEST_CASE(names_of_the_hosts_alias_file_hold_in_every_domain) {
    store.set_host_aliases({{"Admin", {"alice", "carol@c.example"}}, {"alice", {"bob@b.example"}}});
    BOOST_TEST(alias("admin@a.example") == (Targets{"alice@a.example", "carol@c.example"}),
               boost::test_tools::per_element());
    BOOST_TEST(alias("ADMIN+x@b.example").size() == 2u);
    BOOST_TEST(mailbox("alice@a.example") == "alice@a.example");
    BOOST_TEST(store.may_use("alice@a.example", "admin@b.example"));
    store.add_alias("admin@b.example", {"bob@b.example"});
    BOOST_TEST(alias("admin@b.example") == Targets{"bob@b.example"},
               boost::test_tools::per_element());
    BOOST_TEST(store.host_aliases().size() == 2u);
    store.set_host_aliases({});
    BOOST_TEST(std::holds_alternative<AccountStore::Unknown>(store.resolve("admin@a.example")));
}

BOOST_AUTO_TEST_CASE(localhost_is_the_first_domain_where_it_is_local) {
    BOOST_TEST(std::holds_alternative<AccountStore::NotLocal>(store.resolve("alice@localhost")));
    store.set_local_domains({"a.example", "localhost"});
    BOOST_TEST(mailbox("alice@localhost") == "alice@a.example");
}

BOOST_AUTO_TEST_CASE(root_is_who_was_there_first_where_nobody_has_the_name) {
    BOOST_TEST(alias("root@a.example") == Targets{"alice@a.example"},
               boost::test_tools::per_element());
    store.set_host_aliases({{"root", {"bob@b.example"}}});
    BOOST_TEST(alias("root@a.example") == Targets{"bob@b.example"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_name_that_a_user_of_the_host_may_have_is_told) {
    BOOST_TEST(store.look_for("Carol+x@a.example").host_name == "carol");
    BOOST_TEST(store.look_for("alice+x@a.example").host_name.empty());
    BOOST_TEST(store.look_for("carol@elsewhere.example").host_name.empty());
    BOOST_TEST(store.look_for("root@a.example").host_name.empty());  // the first user's
    store.set_host_aliases({{"carol", {"|/usr/bin/prog A"}}});
    BOOST_TEST(store.look_for("carol@b.example").host_name.empty());
    BOOST_TEST(alias("carol@b.example") == Targets{"\"|/usr/bin/prog A\"@b.example"},
               boost::test_tools::per_element());
    store.add_alias("@a.example", {"bob@b.example"});
    BOOST_TEST(store.look_for("dave@a.example").host_name == "dave");
    BOOST_TEST(alias("dave@a.example") == Targets{"bob@b.example"},
               boost::test_tools::per_element());
    BOOST_TEST(store.look_for("postmaster@a.example").host_name.empty());
    store.remove_user("alice@a.example");
    store.remove_user("bob@b.example");
    BOOST_TEST(store.look_for("postmaster@b.example").host_name == "root");
}

BOOST_AUTO_TEST_CASE(every_domain_has_its_postmaster) {
    for (const auto* address :
         {"postmaster@a.example", "Abuse@B.example", "PostMaster", "postmaster+x@a.example"})
        BOOST_TEST(alias(address) == Targets{"alice@a.example"}, boost::test_tools::per_element());
    store.add_alias("postmaster@b.example", {"bob@b.example"});
    BOOST_TEST(alias("postmaster@b.example") == Targets{"bob@b.example"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(aliases_gather_targets_and_a_catch_all_comes_last) {
    store.add_alias("team@a.example", {"alice@a.example"});
    store.add_alias("Team@a.example", {"bob@b.example", "alice@a.example"});
    BOOST_TEST(alias("team@a.example") == (Targets{"alice@a.example", "bob@b.example"}),
               boost::test_tools::per_element());
    store.add_alias("@a.example", {"bob@b.example"});
    BOOST_TEST(alias("anything@a.example") == Targets{"bob@b.example"},
               boost::test_tools::per_element());
    BOOST_TEST(mailbox("alice+y@a.example") == "alice@a.example");
    BOOST_TEST(!store.add_alias("alice@a.example", {"bob@b.example"}));
    BOOST_TEST(store.remove_alias("@a.example"));
    BOOST_TEST(!store.remove_alias("@a.example"));
    BOOST_TEST(store.aliases().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_user_sends_as_himself_and_as_what_leads_to_him) {
    store.add_alias("sales@a.example", {"desk@a.example"});
    store.add_alias("desk@a.example", {"alice@a.example", "sales@a.example"});
    BOOST_TEST(store.may_use("alice@a.example", "Alice+x@a.example"));
    BOOST_TEST(store.may_use("alice@a.example", "sales@a.example"));
    BOOST_TEST(!store.may_use("bob@b.example", "sales@a.example"));
    BOOST_TEST(!store.may_use("bob@b.example", "alice@a.example"));
    BOOST_TEST(!store.may_use("bob@b.example", "bob@elsewhere.example"));
}

BOOST_AUTO_TEST_CASE(users_come_and_go) {
    BOOST_TEST(!store.add_user("ALICE@a.example", "x", 3));
    BOOST_TEST(store.credential("alice@a.example").value() == "hash-of-alice");
    BOOST_TEST(store.set_credential("alice@A.example", "new"));
    BOOST_TEST(store.credential("alice@a.example").value() == "new");
    BOOST_TEST(!store.set_credential("nobody@a.example", "new"));
    BOOST_TEST(store.login_address("Alice") == "alice@a.example");
    BOOST_TEST(store.users().size() == 2U);
    BOOST_TEST(store.remove_user("bob@b.example"));
    BOOST_TEST(!store.credential("bob@b.example"));
}

BOOST_AUTO_TEST_CASE(another_process_sees_what_was_changed) {
    AccountStore other(*directory, "accounts.db", {"a.example"});
    const auto is_mailbox = [&] {
        return std::holds_alternative<AccountStore::Mailbox>(other.resolve("carol@a.example"));
    };
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(!is_mailbox());
        BOOST_TEST(!is_mailbox());  // remembered now
        store.add_user("carol@a.example", "x", 3);
        BOOST_TEST(is_mailbox());
        BOOST_TEST(is_mailbox());
        store.remove_user("carol@a.example");
    }
    other.set_local_domains({"b.example"});
    BOOST_TEST(std::holds_alternative<AccountStore::NotLocal>(other.resolve("carol@a.example")));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(passwords_are_told_apart) {
    BOOST_REQUIRE(::sodium_init() >= 0);
    const auto hash = hash_password("correct horse");
    BOOST_TEST(hash.starts_with("$argon2id$"));
    BOOST_TEST(password_matches(hash, "correct horse"));
    BOOST_TEST(!password_matches(hash, "correct horsf"));
    BOOST_TEST(!password_matches("not a hash", "correct horse"));
    BOOST_TEST(hash != hash_password("correct horse"));
}
