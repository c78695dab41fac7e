#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/mail/alias_file.h"
#include "common/mail/host_target.h"
#include "tools/shared/failure.h"
#include "tools/veredus/accounts.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

// "@example.org" is the catch-all of a domain.
std::string alias_address(const Accounts& accounts, const std::string& address) {
    if (!address.starts_with('@')) return accounts.local_address(address);
    return accounts.local_address("x" + address).substr(1);
}

// Programs, files and lists are for a host that delivers to its users.
std::vector<std::string> deliverable(const mail::AliasLine& alias, const config::Config& config,
                                     std::vector<mail::AliasFault>& faults) {
    std::vector<std::string> targets;
    for (const std::string& target : alias.targets) {
        if (config.local.users || !mail::is_host_target(target))
            targets.push_back(target);
        else
            faults.push_back({alias.line, fmt::format("\"{}\": programs, files and lists are "
                                                      "followed where local.users is true",
                                                      target)});
    }
    return targets;
}

}  // namespace

int alias_add_command(const config::InstancePaths& paths, const std::string& address,
                      const std::vector<std::string>& targets) {
    Accounts accounts(paths);
    const std::string alias = alias_address(accounts, address);
    std::vector<std::string> full_targets;
    for (const std::string& target : targets) {
        const bool bare = target.find('@') == std::string::npos;
        full_targets.push_back(bare ? accounts.local_address(target) : target);
    }
    if (!accounts.store().add_alias(alias, full_targets))
        throw Failure(EX_CANTCREAT, fmt::format("{} is a user's address", alias));
    fmt::print("{} leads to {}\n", alias, fmt::join(full_targets, ", "));
    return EX_OK;
}

int alias_list_command(const config::InstancePaths& paths) {
    Accounts accounts(paths);
    for (const auto& alias : accounts.store().aliases())
        fmt::print("{}: {}\n", alias.address, fmt::join(alias.targets, ", "));
    for (const auto& alias : accounts.store().host_aliases())
        fmt::print("{}: {}  # {}\n", alias.address, fmt::join(alias.targets, ", "),
                   paths.aliases().string());
    return EX_OK;
}

int alias_remove_command(const config::InstancePaths& paths, const std::string& address) {
    Accounts accounts(paths);
    const std::string alias = alias_address(accounts, address);
    if (!accounts.store().remove_alias(alias))
        throw Failure(EX_NOUSER, fmt::format("there is no alias {}", alias));
    fmt::print("{} removed\n", alias);
    return EX_OK;
}

int alias_load_command(const config::InstancePaths& paths) {
    Accounts accounts(paths);
    const std::string name = paths.aliases().string();
    std::ifstream stream(paths.aliases(), std::ios::binary);
    if (!stream && std::filesystem::exists(paths.aliases()))
        throw Failure(EX_NOINPUT, fmt::format("{} cannot be read", name));
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    auto file = mail::parse_alias_file(text);
    std::vector<spool::AccountStore::AliasRow> rows;
    for (mail::AliasLine& alias : file.aliases) {
        const auto own = accounts.store().resolve(accounts.store().login_address(alias.name));
        if (std::holds_alternative<spool::AccountStore::Mailbox>(own))
            file.faults.push_back(
                {alias.line, fmt::format("{} is a user, who comes first", alias.name)});
        else if (auto targets = deliverable(alias, accounts.config(), file.faults);
                 !targets.empty())
            rows.push_back({std::move(alias.name), std::move(targets)});
    }
    accounts.store().set_host_aliases(rows);
    std::ranges::sort(file.faults, {}, &mail::AliasFault::line);
    for (const mail::AliasFault& fault : file.faults)
        fmt::print(stderr, "{}:{}: {}\n", name, fault.line, fault.message);
    return file.faults.empty() ? EX_OK : EX_DATAERR;
}

}  // namespace veredus
