#include "spool/account/account_store.h"

#include <algorithm>
#include <array>

#include "common/mail/host_target.h"

namespace veredus::spool {
namespace {

constexpr std::array<std::string_view, 2> kSchema{
    "CREATE TABLE user ("
    "  address TEXT PRIMARY KEY NOT NULL,"
    "  credential TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE alias ("
    "  address TEXT NOT NULL,"
    "  target TEXT NOT NULL,"
    "  PRIMARY KEY (address, target)"
    ") STRICT, WITHOUT ROWID;",
    "CREATE TABLE host_alias ("
    "  name TEXT NOT NULL,"
    "  target TEXT NOT NULL,"
    "  PRIMARY KEY (name, target)"
    ") STRICT, WITHOUT ROWID;"};

// An alias may lead to aliases this deep before nobody is asked any more.
constexpr int kDeepest = 10;
// The answers remembered; whoever asks for more names than this is guessing.
constexpr std::size_t kMostKnown = 20'000;
// Where SQLite counts the commits of a database with a rollback journal (file format 1.3.6).
constexpr std::uint64_t kChangeCounterOffset = 24;
constexpr std::size_t kChangeCounterSize = 4;

struct Parts {
    std::string_view local;
    std::string_view domain;
};

Parts split(std::string_view address) {
    const auto at = address.rfind('@');
    if (at == std::string_view::npos) return {address, {}};
    return {address.substr(0, at), address.substr(at + 1)};
}

std::string join(std::string_view local, std::string_view domain) {
    return std::string(local) + "@" + std::string(domain);
}

}  // namespace

std::string canonical_address(std::string_view address) {
    std::string out(address);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

AccountStore::AccountStore(Directory& directory, std::string_view name,
                           std::vector<std::string> local_domains)
    : database_(directory, name, Database::Sharing::kShared),
      local_domains_(std::move(local_domains)) {
    database_.migrate(kSchema);
    file_ = directory.open(name, Access::kRead);
    select_user_ = database_.prepare("SELECT 1 FROM user WHERE address = ?1");
    select_first_user_ =
        database_.prepare("SELECT address FROM user ORDER BY created_us, address LIMIT 1");
    select_targets_ =
        database_.prepare("SELECT target FROM alias WHERE address = ?1 ORDER BY target");
    select_host_targets_ =
        database_.prepare("SELECT target FROM host_alias WHERE name = ?1 ORDER BY target");
    select_credential_ = database_.prepare("SELECT credential FROM user WHERE address = ?1");
}

void AccountStore::set_local_domains(std::vector<std::string> domains) {
    local_domains_ = std::move(domains);
    known_.clear();
    if (file_) file_->touch();
}

bool AccountStore::is_user(std::string_view address) {
    return select_user_.query(address).next();
}

std::vector<std::string> AccountStore::targets_of(Statement& select, std::string_view name) {
    std::vector<std::string> out;
    auto rows = select.query(name);
    while (rows.next())
        out.push_back(rows.get<std::string>(0));
    return out;
}

std::string AccountStore::in_first_domain(std::string_view name) const {
    if (name.contains('@') || local_domains_.empty()) return std::string(name);
    return join(name, local_domains_.front());
}

std::optional<AccountStore::Resolution> AccountStore::look_up(std::string_view local,
                                                              std::string_view domain) {
    std::string address = join(local, domain);
    if (is_user(address)) return Mailbox{std::move(address)};
    auto targets = targets_of(select_targets_, address);
    if (targets.empty()) {
        targets = targets_of(select_host_targets_, local);
        for (std::string& target : targets)
            target = mail::is_host_target(target) ? mail::host_target_address(target, domain)
                                                  : in_first_domain(target);
    }
    if (!targets.empty()) return Alias{std::move(targets)};
    return std::nullopt;
}

// The counter is read without a lock. A writer sets it before his commit counts: who sees it early
// then waits for him with his query; who does not sees it still has the answer of the time before.
void AccountStore::forget_when_changed() {
    std::string version(kChangeCounterSize, '\0');
    const bool read = file_ && file_->read(kChangeCounterOffset, version) == version.size();
    if (read && version == version_ && known_.size() < kMostKnown) return;
    known_.clear();
    version_ = read ? version : std::string();
}

AccountStore::Known AccountStore::look_for(std::string_view address) {
    forget_when_changed();
    std::string key(address);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    auto found = find(address);
    known_.emplace(std::move(key), found);
    return found;
}

AccountStore::Known AccountStore::find(std::string_view given) {
    std::string address = canonical_address(given);
    if (address == "postmaster") address = in_first_domain(address);
    const std::string_view given_domain = split(address).domain;
    if (std::ranges::find(local_domains_, given_domain) == local_domains_.end())
        return {NotLocal{}, {}};
    if (given_domain == "localhost") address = in_first_domain(split(address).local);
    const auto [local, domain] = split(address);
    if (auto found = look_up(local, domain)) return {*found, {}};
    const std::string_view base = local.substr(0, local.find('+'));
    if (base.size() != local.size() && !base.empty()) {
        if (auto found = look_up(base, domain)) return {*found, {}};
    }
    const bool of_the_host = base == "postmaster" || base == "abuse" || base == "root";
    if (auto everything = targets_of(select_targets_, join("", domain)); !everything.empty())
        return {Alias{std::move(everything)}, std::string(of_the_host ? "" : base)};
    if (of_the_host) {
        auto rows = select_first_user_.query();
        if (rows.next()) return {Alias{{rows.get<std::string>(0)}}, {}};
    }
    return {Unknown{}, std::string(of_the_host ? "root" : base)};
}

bool AccountStore::may_use(std::string_view user, std::string_view address) {
    return leads_to(canonical_address(address), canonical_address(user), 0);
}

bool AccountStore::leads_to(std::string_view address, std::string_view user, int depth) {
    if (depth > kDeepest) return false;
    const Resolution resolution = resolve(address);
    if (const auto* mailbox = std::get_if<Mailbox>(&resolution)) return mailbox->user == user;
    const auto* alias = std::get_if<Alias>(&resolution);
    if (alias == nullptr) return false;
    return std::ranges::any_of(
        alias->targets, [&](const auto& target) { return leads_to(target, user, depth + 1); });
}

std::string AccountStore::login_address(std::string_view name) const {
    return in_first_domain(canonical_address(name));
}

std::optional<std::string> AccountStore::credential(std::string_view user) {
    auto rows = select_credential_.query(user);
    if (!rows.next()) return std::nullopt;
    return rows.get<std::string>(0);
}

bool AccountStore::add_user(std::string_view address, std::string_view credential,
                            std::int64_t now_us) {
    const std::string canonical = canonical_address(address);
    Transaction transaction(database_);
    if (is_user(canonical) || !targets_of(select_targets_, canonical).empty()) return false;
    database_.prepare("INSERT INTO user (address, credential, created_us) VALUES (?1, ?2, ?3)")
        .run(canonical, credential, now_us);
    transaction.commit();
    return true;
}

bool AccountStore::set_credential(std::string_view address, std::string_view credential) {
    return database_.prepare("UPDATE user SET credential = ?2 WHERE address = ?1")
               .run(canonical_address(address), credential) == 1;
}

bool AccountStore::remove_user(std::string_view address) {
    return database_.prepare("DELETE FROM user WHERE address = ?1")
               .run(canonical_address(address)) == 1;
}

std::vector<AccountStore::User> AccountStore::users() {
    std::vector<User> out;
    auto statement = database_.prepare("SELECT address, created_us FROM user ORDER BY address");
    auto rows = statement.query();
    while (rows.next())
        out.push_back({rows.get<std::string>(0), rows.get<std::int64_t>(1)});
    return out;
}

bool AccountStore::add_alias(std::string_view address, const std::vector<std::string>& targets) {
    const std::string canonical = canonical_address(address);
    Transaction transaction(database_);
    if (is_user(canonical)) return false;
    auto insert =
        database_.prepare("INSERT OR IGNORE INTO alias (address, target) VALUES (?1, ?2)");
    for (const auto& target : targets)
        insert.run(canonical, canonical_address(target));
    transaction.commit();
    return true;
}

bool AccountStore::remove_alias(std::string_view address) {
    return database_.prepare("DELETE FROM alias WHERE address = ?1")
               .run(canonical_address(address)) > 0;
}

std::vector<AccountStore::AliasRow> AccountStore::rows_of(std::string_view query) {
    std::vector<AliasRow> out;
    auto statement = database_.prepare(query);
    auto rows = statement.query();
    while (rows.next()) {
        auto name = rows.get<std::string>(0);
        if (out.empty() || out.back().address != name) out.push_back({std::move(name), {}});
        out.back().targets.push_back(rows.get<std::string>(1));
    }
    return out;
}

std::vector<AccountStore::AliasRow> AccountStore::aliases() {
    return rows_of("SELECT address, target FROM alias ORDER BY address, target");
}

void AccountStore::set_host_aliases(const std::vector<AliasRow>& aliases) {
    Transaction transaction(database_);
    database_.prepare("DELETE FROM host_alias").run();
    auto insert =
        database_.prepare("INSERT OR IGNORE INTO host_alias (name, target) VALUES (?1, ?2)");
    for (const AliasRow& alias : aliases)
        for (const std::string& target : alias.targets)
            insert.run(canonical_address(alias.address),
                       mail::is_host_target(target) ? target : canonical_address(target));
    transaction.commit();
}

std::vector<AccountStore::AliasRow> AccountStore::host_aliases() {
    return rows_of("SELECT name, target FROM host_alias ORDER BY name, target");
}

}  // namespace veredus::spool
