#pragma once

#include <memory>
#include <string>

#include "common/config/config.h"
#include "common/config/instance.h"
#include "spool/account/account_store.h"

namespace veredus {

// accounts.db, open for the administrator's commands. Throws Failure.
class Accounts {
  public:
    explicit Accounts(const config::InstancePaths& paths);

    spool::AccountStore& store() { return *store_; }
    const config::Config& config() const { return config_; }
    // `address` in its one spelling, if it is local-part@domain of a local domain; a name alone is
    // of the first local domain. Else throws Failure (EX_DATAERR) that says what is wrong.
    std::string local_address(const std::string& address) const;

  private:
    config::Config config_;
    std::unique_ptr<spool::Directory> directory_;
    std::unique_ptr<spool::AccountStore> store_;
};

// One line of standard input, or twice from the terminal without echo. Throws Failure.
std::string ask_password(const std::string& user);

}  // namespace veredus
