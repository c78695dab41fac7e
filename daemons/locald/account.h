#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "common/ipc/host.h"

namespace veredus::locald {

// A line of passwd(5), wherever this host keeps it.
struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::filesystem::path home;
    std::string shell;

    // Debian Policy 9.2.2: from 1000 on they are people, but for nobody and systemd's own.
    bool is_person() const;
};

std::optional<Account> account_of(const std::string& name);
ipc::host_user::Kind kind_of(const std::string& name);

// The process is that user from here on, with his groups. `mail_group`: with the group mail
// besides, which may make files in /var/mail. Throws std::system_error; never makes anybody root.
void become(const Account& account, bool mail_group);

// Of root's powers all but those become() needs are gone for good. Throws std::system_error.
void keep_only_the_power_to_become_others();

}  // namespace veredus::locald
