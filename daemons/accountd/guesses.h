#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/async/clock.h"

namespace veredus::accountd {

// Slows down whoever guesses passwords, without ever locking anybody out: each further *different*
// wrong password from one network for one user doubles the pause before the answer. The same wrong
// password again (a phone that has not been told of the new one) counts once. Forgotten after an
// hour of quiet; in memory alone.
class Guesses {
  public:
    // `key`: random bytes, so that what is remembered of a password tells nothing.
    Guesses(const async::Clock& clock, const std::array<std::uint8_t, 32>& key)
        : clock_(clock), key_(key) {}

    // Notes a wrong password; returns how long its answer has to wait. `first_pause` is
    // accounts.failure_delay.
    async::Duration wrong(std::string_view client_ip, std::string_view user,
                          std::string_view password, async::Duration first_pause);
    void right(std::string_view client_ip, std::string_view user);

    std::size_t remembered() const { return seen_.size(); }

  private:
    struct Seen {
        std::uint32_t different = 0;
        std::array<std::uint64_t, 8> passwords{};  // keyed hashes of the latest
        async::Time last;
    };
    static std::string place(std::string_view client_ip, std::string_view user);
    void forget_old();

    const async::Clock& clock_;
    std::array<std::uint8_t, 32> key_;
    std::map<std::string, Seen> seen_;
};

}  // namespace veredus::accountd
