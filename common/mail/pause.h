#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

namespace veredus::mail {

enum class PauseOf : std::uint8_t { destination, sender, last_ = sender };

constexpr std::string_view name_of(PauseOf of) {
    return of == PauseOf::sender ? "sender" : "destination";
}

// Mail that the administrator has told to wait.
struct Pause {
    PauseOf of = PauseOf::destination;
    // In lower case. Of a destination: the recipients' domain, or the next hop as the queue names
    // it, or its host alone. Of a sender: his address, his user name, a domain, or nothing for
    // notifications.
    std::string name;
    std::int64_t since_us = 0;  // since 1970
    auto fields() { return std::tie(of, name, since_us); }
};

}  // namespace veredus::mail
