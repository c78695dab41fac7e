#include "daemons/locald/account.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace veredus::locald {
namespace {

constexpr uid_t kFirstPerson = 1000;
// Debian Policy 9.2.2, and systemd's dynamic users from 61184 on.
constexpr uid_t kFirstReserved = 61184;
constexpr uid_t kLastReserved = 65535;
constexpr std::array kKept{CAP_SETUID, CAP_SETGID};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

bool Account::is_person() const {
    return uid >= kFirstPerson && (uid < kFirstReserved || uid > kLastReserved);
}

std::optional<Account> account_of(const std::string& name) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return std::nullopt;
    return Account{entry->pw_name, entry->pw_uid, entry->pw_gid, entry->pw_dir, entry->pw_shell};
}

ipc::host_user::Kind kind_of(const std::string& name) {
    const auto account = account_of(name);
    if (!account) return ipc::host_user::Kind::none;
    return account->is_person() ? ipc::host_user::Kind::person : ipc::host_user::Kind::root;
}

void become(const Account& account, bool mail_group) {
    if (account.uid == 0) throw std::system_error(EPERM, std::generic_category(), "root");
    std::vector<gid_t> groups(256);
    auto count = static_cast<int>(groups.size());
    ::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count);
    groups.resize(std::min(groups.size(), static_cast<std::size_t>(count)));
    if (mail_group) {
        const group* mail = ::getgrnam("mail");
        if (mail != nullptr) groups.push_back(mail->gr_gid);
    }
    if (::setgroups(groups.size(), groups.data()) != 0) fail("setgroups");
    if (::setresgid(account.gid, account.gid, account.gid) != 0) fail("setresgid");
    if (::setresuid(account.uid, account.uid, account.uid) != 0) fail("setresuid");
}

void keep_only_the_power_to_become_others() {
    std::uint64_t kept = 0;
    for (const int capability : kKept)
        kept |= std::uint64_t{1} << capability;
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
        if ((kept >> capability & 1) == 0) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    data[0].effective = data[0].permitted = static_cast<__u32>(kept);
    if (::syscall(SYS_capset, &header, data.data()) != 0) fail("capset");
}

}  // namespace veredus::locald
