#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/sasl/credentials.h"

namespace veredus::sasl {

// The client's side of one exchange.
class ClientExchange {
  public:
    // The first of our mechanisms that is among `offered` (names with spaces between, as after
    // "AUTH " in the reply to EHLO); nothing if none is.
    static std::optional<ClientExchange> choose(std::string_view offered, Credentials credentials);

    std::string_view mechanism() const;
    // What goes with the AUTH command: base64; nothing if the mechanism waits for a challenge.
    std::optional<std::string> initial_response();
    // The line that answers a challenge (base64, as after "334 "). Nothing if the server asks more
    // than the mechanism has: send "*", which cancels.
    std::optional<std::string> answer(std::string_view challenge);

  private:
    struct Row;
    static const Row* find(std::string_view offered);
    ClientExchange(const Row& row, Credentials credentials)
        : row_(&row), credentials_(std::move(credentials)) {}
    const Row* row_;
    Credentials credentials_;
    unsigned steps_ = 0;  // responses given
};

}  // namespace veredus::sasl
