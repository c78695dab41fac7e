#include "daemons/submitd/local_users.h"

#include <pwd.h>

namespace veredus::submitd {

LocalUsers LocalUsers::of_host() {
    constexpr std::size_t kUsersMax = 100'000;  // a directory service may list a company
    LocalUsers out;
    ::setpwent();
    while (out.users_.size() < kUsersMax) {
        const passwd* entry = ::getpwent();
        if (entry == nullptr) break;
        std::string real_name = entry->pw_gecos != nullptr ? entry->pw_gecos : "";
        real_name.resize(std::min(real_name.find(','), real_name.size()));
        out.users_.try_emplace(entry->pw_uid, LocalUser{entry->pw_name, std::move(real_name)});
    }
    ::endpwent();
    return out;
}

const LocalUser* LocalUsers::find(unsigned uid) const {
    const auto at = users_.find(uid);
    return at != users_.end() ? &at->second : nullptr;
}

}  // namespace veredus::submitd
