#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/async/scope.h"
#include "common/async/wait.h"
#include "daemons/relayd/client_session.h"

namespace veredus::relayd {

// The sessions of relayd: a connection is kept a moment after its message, for another one to the
// same host. [destinations] may limit how many there are for a next hop, and what each carries.
class Pool {
  public:
    // How long a connection without work stays (RFC 5321 allows 5 minutes; others need the place).
    static constexpr async::Duration kLinger = std::chrono::seconds(3);
    // Connections to one address at a time, where a next hop does not allow more: as many as
    // Postfix makes by default.
    static constexpr std::size_t kSessionsPerTarget = 20;

    // Sessions run in `sessions` and end with it. It must be joined before the pool goes away.
    Pool(SessionContext context, async::Scope& sessions);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // Carries the transaction over a session to `target`, waiting for a place there first. Throws
    // Stopped while it waits; once it has begun, the transaction says so.
    async::Task<> transact(Target target, Transaction& transaction, async::Stop& stop);
    void set_hostname(std::string hostname) { context_.hostname = std::move(hostname); }

  private:
    // What a session has carried, and for whom.
    struct Service {
        Target target;
        std::string next_hop;
        std::uint32_t connections = 0;
        std::uint32_t messages = 0;  // so far
        std::uint32_t most = 0;      // of them, as the last one's next hop would have it
        bool can_carry(const Transaction& transaction) const;
    };
    // A session that waits for its next transaction.
    struct Idle {
        Idle(async::Loop& loop, const Service& so_far) : service(so_far), given(loop) {}
        const Service& service;
        Transaction* next = nullptr;
        async::Event given;
    };
    struct Place {
        std::shared_ptr<async::Semaphore> among;
        async::Semaphore::Permit permit;
    };

    async::Task<> run_session(Target target, Transaction& first, std::optional<Place> place);
    async::Task<Transaction*> next_for(Service& service, async::Stop& stop);
    bool give_to_idle(const Target& target, Transaction& transaction);
    void dismiss_idle(const std::string& next_hop);
    // One of `most` at a time.
    async::Task<Place> place_at(std::string where, std::size_t most, async::Stop& stop);

    SessionContext context_;
    async::Scope& sessions_;
    std::list<Idle*> idle_;  // the last to become idle first
    std::map<std::pair<std::string, std::size_t>, std::weak_ptr<async::Semaphore>> places_;
};

}  // namespace veredus::relayd
