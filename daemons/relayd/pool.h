#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "common/async/scope.h"
#include "common/async/wait.h"
#include "daemons/relayd/client_session.h"

namespace veredus::relayd {

// The sessions of relayd: a connection is kept a moment after its message, for another one to the
// same host.
class Pool {
  public:
    // How long a connection without work stays (RFC 5321 allows 5 minutes; others need the place).
    static constexpr async::Duration kLinger = std::chrono::seconds(3);
    // Connections to one address at a time: as many as Postfix makes by default.
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
    // A session that waits for its next transaction.
    struct Idle {
        Idle(async::Loop& loop, const Target& to) : target(to), given(loop) {}
        const Target& target;
        Transaction* next = nullptr;
        async::Event given;
    };

    async::Task<> run_session(Target target, Transaction& first);
    async::Task<Transaction*> next_for(const Target& target, async::Stop& stop);
    bool give_to_idle(const Target& target, Transaction& transaction);
    std::shared_ptr<async::Semaphore> places(const std::string& remote);

    SessionContext context_;
    async::Scope& sessions_;
    std::list<Idle*> idle_;  // the last to become idle first
    std::map<std::string, std::weak_ptr<async::Semaphore>> places_;
};

}  // namespace veredus::relayd
