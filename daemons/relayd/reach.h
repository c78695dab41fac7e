#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/async/clock.h"
#include "daemons/relayd/route.h"
#include "daemons/relayd/verdict.h"

namespace veredus::relayd {

// Addresses that could not be reached lately (RFC 5321 section 4.5.4.1), so that not each message
// waits in vain for a domain's first host when a second one takes it, nor for a host that has many
// domains and does not answer. Pure.
class Reach {
  public:
    // From so long on who waits for a connection is not joined by others.
    static constexpr async::Duration kDoubt = std::chrono::seconds(3);
    // So long an address is tried after others, or not at all; then one message finds out. Shorter
    // where messages themselves are tried again sooner, so that each of their attempts is one.
    static constexpr async::Duration kRest = std::chrono::minutes(2);
    void set_retry(async::Duration pause) { rest_ = std::min(kRest, pause * 4 / 5); }
    static constexpr unsigned kFailures = 3;      // in a row, from which on it is not tried at all
    static constexpr std::size_t kMost = 10'000;  // then whichever comes first is forgotten

    // Those that could not be reached go behind the others, each of them in the order they had.
    void put_in_order(std::vector<Target>& targets, async::Time now) const;

    // Before a connection: why it is not to be tried; nothing where it may.
    std::optional<Verdict> refusal(const net::Address& address, async::Time now);

    // Who waits for a connection to this address.
    class Attempt {
      public:
        Attempt(Reach& reach, const net::Address& address, async::Time now)
            : reach_(reach), at_(reach.pending_.emplace(address.text(), now)) {}
        ~Attempt() { reach_.pending_.erase(at_); }
        Attempt(const Attempt&) = delete;
        Attempt& operator=(const Attempt&) = delete;

      private:
        Reach& reach_;
        std::multimap<std::string, async::Time>::iterator at_;
    };

    // kRefused: somebody is there and said no.
    enum class Failure : std::uint8_t { kNobody, kRefused };
    void failed(const net::Address& address, Failure how, const Verdict& why, async::Time now);
    void reached(const net::Address& address) { rests_.erase(address.text()); }
    void forget() { rests_.clear(); }

  private:
    struct Rest {
        async::Time until;
        unsigned failures = 0;
        Verdict why;
    };

    bool is_doubted(const net::Address& address, async::Time now) const;

    async::Duration rest_ = kRest;
    std::map<std::string, Rest> rests_;
    std::multimap<std::string, async::Time> pending_;  // since then, the oldest first
};

}  // namespace veredus::relayd
