#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace veredus::net {

// How many connections each client address has with this daemon: the guard of
// limits.connections_per_address.
class ConnectionCount {
  public:
    // Held for as long as the connection lasts; must not outlive the count.
    class Permit {
      public:
        Permit(ConnectionCount& from, std::string ip) : from_(&from), ip_(std::move(ip)) {}
        Permit(Permit&& other) noexcept
            : from_(std::exchange(other.from_, nullptr)), ip_(std::move(other.ip_)) {}
        Permit& operator=(Permit&&) = delete;
        ~Permit() {
            if (from_ != nullptr) from_->release(ip_);
        }

      private:
        ConnectionCount* from_;
        std::string ip_;
    };

    // Nothing where the address has `limit` connections already.
    std::optional<Permit> admit(const std::string& ip, unsigned limit) {
        unsigned& count = counts_[ip];
        if (count >= limit) return std::nullopt;
        ++count;
        return Permit(*this, ip);
    }

  private:
    void release(const std::string& ip) {
        const auto found = counts_.find(ip);
        if (--found->second == 0) counts_.erase(found);
    }

    std::unordered_map<std::string, unsigned> counts_;
};

}  // namespace veredus::net
