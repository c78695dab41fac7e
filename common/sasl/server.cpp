#include "common/sasl/server.h"

#include <algorithm>
#include <array>

#include "common/mail/base64.h"

namespace veredus::sasl {
namespace {

// RFC 3629, 4, without NUL (RFC 4616, 2: SAFE).
bool safe(std::string_view text) {
    std::size_t at = 0;
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    while (at < text.size()) {
        const unsigned lead = byte(at);
        const unsigned second = byte(at + 1);
        std::size_t length = 1;
        bool good = lead >= 0x01 && lead <= 0x7f;
        if (lead >= 0xc2 && lead <= 0xdf) {
            length = 2;
            good = second >= 0x80 && second <= 0xbf;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            length = 3;
            good = second >= (lead == 0xe0 ? 0xa0u : 0x80u) &&
                   second <= (lead == 0xed ? 0x9fu : 0xbfu);
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            length = 4;
            good = second >= (lead == 0xf0 ? 0x90u : 0x80u) &&
                   second <= (lead == 0xf4 ? 0x8fu : 0xbfu);
        }
        for (std::size_t i = 2; i < length; ++i)
            good &= (byte(at + i) & 0xc0u) == 0x80;
        if (!good) return false;
        at += length;
    }
    return true;
}

std::optional<Failure> bad_field(std::string_view field) {
    if (field.size() > ServerExchange::kFieldMax) return Failure::too_long;
    if (!safe(field)) return Failure::malformed;
    return std::nullopt;
}

Step checked(Credentials credentials) {
    for (const auto* field : {&credentials.authorization_identity,
                              &credentials.authentication_identity, &credentials.password})
        if (const auto failure = bad_field(*field)) return *failure;
    if (credentials.authentication_identity.empty() || credentials.password.empty())
        return Failure::malformed;
    return credentials;
}

// RFC 4616, 2: [authzid] NUL authcid NUL passwd.
class Plain final : public ServerMechanism {
  public:
    Step step(std::optional<std::string_view> response) override {
        if (!response) return Challenge{};
        const auto first = response->find('\0');
        if (first == std::string_view::npos) return Failure::malformed;
        const auto second = response->find('\0', first + 1);
        if (second == std::string_view::npos) return Failure::malformed;
        return checked(Credentials(std::string(response->substr(0, first)),
                                   std::string(response->substr(first + 1, second - first - 1)),
                                   std::string(response->substr(second + 1))));
    }
};

// As Outlook and others speak it; no RFC has it. A user name that comes at once is taken for the
// first answer.
class Login final : public ServerMechanism {
  public:
    Step step(std::optional<std::string_view> response) override {
        if (!response) return Challenge{"Username:"};
        if (!user_) {
            user_ = std::string(*response);
            return Challenge{"Password:"};
        }
        return checked(Credentials({}, std::move(*user_), std::string(*response)));
    }

  private:
    std::optional<std::string> user_;
};

template <class Mechanism>
std::unique_ptr<ServerMechanism> make() {
    return std::make_unique<Mechanism>();
}

struct Row {
    std::string_view name;
    std::unique_ptr<ServerMechanism> (*make)();
};

constexpr auto kMechanisms = std::to_array<Row>({
    {"PLAIN", make<Plain>},
    {"LOGIN", make<Login>},
});

constexpr char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

Step encoded(Step step) {
    if (auto* challenge = std::get_if<Challenge>(&step))
        challenge->line = mail::base64_encode(challenge->line);
    return step;
}

}  // namespace

std::optional<ServerExchange> ServerExchange::create(std::string_view mechanism) {
    for (const auto& row : kMechanisms) {
        if (std::ranges::equal(mechanism, row.name, {}, to_upper))
            return ServerExchange(row.name, row.make());
    }
    return std::nullopt;
}

Step ServerExchange::begin(std::optional<std::string_view> initial_response) {
    if (!initial_response) return encoded(mechanism_->step(std::nullopt));
    return answer(*initial_response == "=" ? std::string_view() : *initial_response);
}

Step ServerExchange::answer(std::string_view line) {
    if (line == "*") return Failure::cancelled;
    if (line.size() > kLineMax) return Failure::too_long;
    const auto response = mail::base64_decode(line);
    if (!response) return Failure::not_base64;
    return encoded(mechanism_->step(*response));
}

std::vector<std::string_view> server_mechanisms() {
    std::vector<std::string_view> names;
    for (const auto& row : kMechanisms)
        names.push_back(row.name);
    return names;
}

}  // namespace veredus::sasl
