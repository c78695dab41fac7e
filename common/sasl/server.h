#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/sasl/credentials.h"

namespace veredus::sasl {

// The next line to send to the client: base64, perhaps empty, after "334 " or "+ ".
struct Challenge {
    std::string line;
};

enum class Failure {
    cancelled,  // the client sent "*"
    not_base64,
    too_long,   // a line over kLineMax, or a field over kFieldMax
    malformed,  // not what the mechanism asks for, or not UTF-8
};

using Step = std::variant<Challenge, Credentials, Failure>;

// One mechanism on the server's side, in decoded bytes.
class ServerMechanism {
  public:
    virtual ~ServerMechanism() = default;
    // `response` is nothing at the beginning if the client sent no initial response.
    virtual Step step(std::optional<std::string_view> response) = 0;
};

// One exchange from AUTH (AUTHENTICATE) to credentials or failure. After either it is over.
class ServerExchange {
  public:
    static constexpr std::size_t kLineMax = 12288;  // octets, RFC 4954, 4
    static constexpr std::size_t kFieldMax = 1024;  // RFC 4616, 2 asks for 255

    // Nothing if the mechanism is not known; names in any case.
    static std::optional<ServerExchange> create(std::string_view mechanism);

    // `initial_response` is base64, "=" for one that is empty (RFC 4954, 4; RFC 4959, 3).
    Step begin(std::optional<std::string_view> initial_response = std::nullopt);
    // The client's answer to a challenge, without its CRLF.
    Step answer(std::string_view line);

    std::string_view mechanism() const { return name_; }  // upper case

  private:
    ServerExchange(std::string_view name, std::unique_ptr<ServerMechanism> mechanism)
        : name_(name), mechanism_(std::move(mechanism)) {}
    std::string_view name_;
    std::unique_ptr<ServerMechanism> mechanism_;
};

// The mechanisms offered, strongest first: {"PLAIN", "LOGIN"}.
std::vector<std::string_view> server_mechanisms();

}  // namespace veredus::sasl
