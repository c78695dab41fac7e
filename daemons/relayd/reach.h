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
    // So long an address is tried after others; then one message finds out.
    static constexpr async::Duration kRest = std::chrono::minutes(2);
    static constexpr std::size_t kMost = 10'000;  // then whichever comes first is forgotten

    // Those that could not be reached go behind the others, each of them in the order they had.
    void put_in_order(std::vector<Target>& targets, async::Time now);

    void failed(const net::Address& address, async::Time now);
    void reached(const net::Address& address) { rests_.erase(address.text()); }

  private:
    bool rests(const net::Address& address, async::Time now);

    std::map<std::string, async::Time> rests_;  // until then
};

}  // namespace veredus::relayd
