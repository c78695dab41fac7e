#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "spool/disk/sqlite.h"

namespace veredus::spool {

// Users, aliases and credentials: accounts.db, described in docs/formats-account.md. Which domains
// are local is the configuration's to say and is handed in.
//
// Addresses are compared without regard to case, local part and domain alike; `user+detail@domain`
// is user@domain's. Several processes may hold the store open; each operation sees the present
// state. All throw DatabaseError.
class AccountStore {
  public:
    AccountStore(Directory& directory, std::string_view name,
                 std::vector<std::string> local_domains);

    // Who remembers what an address is for as long as the file stays as it was
    // (common/accounts/edition.h) then asks anew.
    void set_local_domains(std::vector<std::string> domains);

    // --- What an address is

    struct Mailbox {
        std::string user;  // canonical address
    };
    struct Alias {
        std::vector<std::string> targets;
    };
    struct Unknown {};
    struct NotLocal {};
    using Resolution = std::variant<Mailbox, Alias, Unknown, NotLocal>;
    // What is known here, and, where that is a catch-all or nothing, the name by which a user of
    // the host would come before it (+detail taken off).
    struct Known {
        Resolution resolution;
        std::string host_name;
    };

    // In this order: a user, an alias, a name in the host's alias file, the same without +detail,
    // the domain's catch-all ("@domain"), and for postmaster and abuse (RFC 5321 4.5.1, RFC 2142),
    // which every domain has, and for root the user who was added first. "postmaster" without a
    // domain is that of the first local domain; localhost, where it is local, is another name of
    // that domain (RFC 6761 6.3). Remembered until somebody changes the database: then it costs a
    // read of four bytes.
    Resolution resolve(std::string_view address) { return look_for(address).resolution; }
    Known look_for(std::string_view address);
    // May `user` send as `address`: his own, with any detail, or an alias that leads to him (also
    // through others).
    bool may_use(std::string_view user, std::string_view address);

    // --- Credentials

    // The canonical address of a login name, which may lack the domain: then it is the first local
    // domain's.
    std::string login_address(std::string_view name) const;
    // Nothing for a user who does not exist. To be checked with password_matches in another thread.
    std::optional<std::string> credential(std::string_view user);

    // --- Administration. False: it is there already, or is not.

    bool add_user(std::string_view address, std::string_view credential, std::int64_t now_us);
    bool set_credential(std::string_view address, std::string_view credential);
    bool remove_user(std::string_view address);
    struct User {
        std::string address;
        std::int64_t created_us;
    };
    std::vector<User> users();

    // Adds to the alias's targets those it does not have. False where a user has this address.
    bool add_alias(std::string_view address, const std::vector<std::string>& targets);
    bool remove_alias(std::string_view address);
    struct AliasRow {
        std::string address;
        std::vector<std::string> targets;
    };
    std::vector<AliasRow> aliases();
    // The host's alias file, in place of what it said before: names without a domain, good in each
    // local one; a target that is a name is of the first, what is no address
    // (mail/host_target.h) becomes one of the domain that was asked for.
    void set_host_aliases(const std::vector<AliasRow>& aliases);
    std::vector<AliasRow> host_aliases();

    std::vector<std::string> check() { return database_.check(); }

  private:
    Known find(std::string_view address);
    void forget_when_changed();
    bool is_user(std::string_view address);
    std::vector<std::string> targets_of(Statement& select, std::string_view name);
    std::optional<Resolution> look_up(std::string_view local, std::string_view domain);
    std::string in_first_domain(std::string_view name) const;
    std::vector<AliasRow> rows_of(std::string_view query);
    bool leads_to(std::string_view address, std::string_view user, int depth);

    Database database_;
    std::unique_ptr<File> file_;
    std::string version_;  // of what is in known_: SQLite's change counter
    std::unordered_map<std::string, Known> known_;
    std::vector<std::string> local_domains_;  // lower case
    Statement select_user_, select_first_user_, select_targets_, select_host_targets_,
        select_credential_;
};

// In lower case as far as ASCII goes: the form in which addresses are kept and compared.
std::string canonical_address(std::string_view address);

}  // namespace veredus::spool
