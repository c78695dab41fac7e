#include <fmt/format.h>
#include <sysexits.h>

#include <chrono>

#include "spool/account/password.h"
#include "tools/shared/failure.h"
#include "tools/veredus/accounts.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

std::int64_t now_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void no_such_user(const std::string& user) {
    throw Failure(EX_NOUSER, fmt::format("there is no user {}", user));
}

}  // namespace

int user_add_command(const config::InstancePaths& paths, const std::string& address) {
    Accounts accounts(paths);
    const std::string user = accounts.local_address(address);
    if (accounts.store().credential(user))
        throw Failure(EX_CANTCREAT, fmt::format("there is a user {} already; to change the "
                                                "password: veredus user passwd",
                                                user));
    const std::string credential = spool::hash_password(ask_password(user));
    if (!accounts.store().add_user(user, credential, now_us()))
        throw Failure(EX_CANTCREAT, fmt::format("{} is taken, by an alias or a user", user));
    fmt::print("{} added\n", user);
    return EX_OK;
}

int user_list_command(const config::InstancePaths& paths) {
    Accounts accounts(paths);
    for (const auto& user : accounts.store().users())
        fmt::print("{}\n", user.address);
    return EX_OK;
}

int user_passwd_command(const config::InstancePaths& paths, const std::string& address) {
    Accounts accounts(paths);
    const std::string user = accounts.local_address(address);
    if (!accounts.store().credential(user)) no_such_user(user);
    const std::string credential = spool::hash_password(ask_password(user));
    if (!accounts.store().set_credential(user, credential)) no_such_user(user);
    fmt::print("password of {} changed\n", user);
    return EX_OK;
}

int user_remove_command(const config::InstancePaths& paths, const std::string& address) {
    Accounts accounts(paths);
    const std::string user = accounts.local_address(address);
    if (!accounts.store().remove_user(user)) no_such_user(user);
    fmt::print("{} removed; the mail is still in {}\n", user, paths.mail().string());
    return EX_OK;
}

}  // namespace veredus
