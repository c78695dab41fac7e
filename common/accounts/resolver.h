#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/accounts/edition.h"
#include "common/ipc/account.h"
#include "common/ipc/request_link.h"

namespace veredus::accounts {

// A daemon's end of the link `resolve`: what an address is, as accountd says it. That one is a
// mailbox or an alias is remembered for as long as accounts.db stays what it was, so that most
// recipients cost no way to accountd and back.
class Resolver {
  public:
    Resolver(async::Loop& loop, std::string path);

    // Keeps the link up; to be spawned, ends with Stopped.
    async::Task<> run(async::Stop& stop) { return link_.run(stop); }

    // Both: nothing if accountd is away or goes away. Throws Stopped.
    async::Task<std::optional<ipc::resolve::Resolved>> resolve(std::string address,
                                                               async::Stop& stop);
    async::Task<std::optional<bool>> may_use(std::string user, std::string address,
                                             async::Stop& stop);

  private:
    async::Task<> follow_link(async::Stop& stop);
    void forget_when_changed();

    async::Loop& loop_;
    ipc::RequestLink<ipc::resolve::Request, ipc::resolve::Answer> link_;
    std::uint64_t generation_ = 0;             // of the link over which edition_ came
    std::optional<Edition> edition_;           // nothing: nothing is remembered
    std::optional<std::int64_t> known_since_;  // the edition of which known_ is
    std::unordered_map<std::string, ipc::resolve::Resolved> known_;
};

}  // namespace veredus::accounts
