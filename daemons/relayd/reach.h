#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "common/async/clock.h"
#include "daemons/relayd/route.h"

namespace veredus::relayd {

// Addresses that could not be reached lately (RFC 5321 section 4.5.4.1), so that not each message
// waits in vain for a domain's first host when a second one takes it. Pure.
class Reach {
  public:
    // From so long on who waits for a connection is not joined by others.
    static constexpr async::Duration kDoubt = std::chrono::seconds(3);
    // So long an address is tried after others; then one message finds out.
    static constexpr async::Duration kRest = std::chrono::minutes(2);
    static constexpr std::size_t kMost = 10'000;  // then whichever comes first is forgotten

    // Those that could not be reached go behind the others, each of them in the order they had.
    void put_in_order(std::vector<Target>& targets, async::Time now);

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

    void failed(const net::Address& address, async::Time now);
    void reached(const net::Address& address) { rests_.erase(address.text()); }

  private:
    bool rests(const net::Address& address, async::Time now);

    std::map<std::string, async::Time> rests_;         // until then
    std::multimap<std::string, async::Time> pending_;  // since then, the oldest first
};

}  // namespace veredus::relayd
