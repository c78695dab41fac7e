#pragma once

#include <string>
#include <unordered_map>

namespace veredus::submitd {

struct LocalUser {
    std::string name;       // of the account
    std::string real_name;  // first part of its gecos field; may be empty
};

// The host's users by uid, as they were when the daemon started: it opens no file later.
class LocalUsers {
  public:
    LocalUsers() = default;
    explicit LocalUsers(std::unordered_map<unsigned, LocalUser> users) : users_(std::move(users)) {}
    // From the host's own list (getpwent(3)). Call before the daemon locks itself in.
    static LocalUsers of_host();

    // Null for a uid that has no account.
    const LocalUser* find(unsigned uid) const;

  private:
    std::unordered_map<unsigned, LocalUser> users_;
};

}  // namespace veredus::submitd
