#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::queued {

// What was last wrong at each next hop, until something gets through there. For people. Pure.
class LastErrors {
  public:
    static constexpr std::size_t kMost = 1000;  // then the oldest goes

    void failed(const std::string& next_hop, std::string why, std::int64_t now_us);
    void got_through(const std::string& next_hop) { errors_.erase(next_hop); }

    // Empty: nothing.
    std::string_view at(const std::string& next_hop) const;
    // Next hops with an error since then, the latest first.
    std::vector<std::string> since(std::int64_t then_us) const;

  private:
    struct Error {
        std::string why;
        std::int64_t at_us = 0;
    };
    std::map<std::string, Error> errors_;  // by next hop
};

}  // namespace veredus::queued
