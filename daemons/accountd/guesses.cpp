#include "daemons/accountd/guesses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace veredus::accountd {
namespace {

constexpr auto kForgottenAfter = std::chrono::hours(1);
constexpr async::Duration kLongestPause = std::chrono::seconds(30);
constexpr std::size_t kMost = 100'000;  // places remembered

}  // namespace

// The network, not the address: an attacker has a /64 of IPv6 for himself.
std::string Guesses::place(std::string_view client_ip, std::string_view user) {
    const std::string text(client_ip);
    in6_addr address{};
    if (::inet_pton(AF_INET6, text.c_str(), &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address))
        return text + " " + std::string(user);
    constexpr std::size_t kNetworkBytes = 8;
    return std::string(reinterpret_cast<const char*>(address.s6_addr), kNetworkBytes) + " " +
           std::string(user);
}

async::Duration Guesses::wrong(std::string_view client_ip, std::string_view user,
                               std::string_view password, async::Duration first_pause) {
    forget_old();
    Seen& seen = seen_[place(client_ip, user)];
    if (clock_.now() - seen.last > kForgottenAfter) seen = {};
    if (seen.different != 0 && clock_.now() - seen.last > kForgottenAfter) seen = {};
    seen.last = clock_.now();
    std::array<std::uint8_t, 8> hash{};
    crypto_generichash(hash.data(), hash.size(),
                       reinterpret_cast<const std::uint8_t*>(password.data()), password.size(),
                       key_.data(), key_.size());
    std::uint64_t number = 0;
    std::memcpy(&number, hash.data(), sizeof number);
    number |= 1;  // 0 is an empty place
    if (std::ranges::find(seen.passwords, number) == seen.passwords.end()) {
        seen.passwords[seen.different % seen.passwords.size()] = number;
        ++seen.different;
    }
    const auto doublings = std::min<std::uint32_t>(seen.different - 1, 10);
    return std::min(first_pause * (1 << doublings), std::max(kLongestPause, first_pause));
}

void Guesses::right(std::string_view client_ip, std::string_view user) {
    seen_.erase(place(client_ip, user));
}

// Only when memory is full, so that a flood of names costs each guess no more than its own place.
void Guesses::forget_old() {
    if (seen_.size() < kMost) return;
    const auto limit = clock_.now() - kForgottenAfter;
    std::erase_if(seen_, [&](const auto& entry) { return entry.second.last < limit; });
    if (seen_.size() > kMost / 2) seen_.clear();
}

}  // namespace veredus::accountd
