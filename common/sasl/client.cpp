#include "common/sasl/client.h"

#include <algorithm>
#include <array>

#include "common/mail/base64.h"

namespace veredus::sasl {
namespace {

// The `step`th response from 0 on, unencoded; nothing if the mechanism has no more.
std::optional<std::string> plain(const Credentials& credentials, unsigned step) {
    if (step > 0) return std::nullopt;
    return credentials.authorization_identity + '\0' + credentials.authentication_identity + '\0' +
           credentials.password;
}

std::optional<std::string> login(const Credentials& credentials, unsigned step) {
    if (step == 0) return credentials.authentication_identity;
    if (step == 1) return credentials.password;
    return std::nullopt;
}

constexpr char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

bool has_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const auto end = std::min(words.find(' '), words.size());
        if (std::ranges::equal(words.substr(0, end), word, {}, to_upper)) return true;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

}  // namespace

struct ClientExchange::Row {
    std::string_view name;
    bool client_first;  // its first response may go with the command
    std::optional<std::string> (*respond)(const Credentials& credentials, unsigned step);
};

const ClientExchange::Row* ClientExchange::find(std::string_view offered) {
    static constexpr auto kMechanisms = std::to_array<Row>({
        {"PLAIN", true, plain},
        {"LOGIN", false, login},
    });
    const auto row = std::ranges::find_if(
        kMechanisms, [&](const Row& mechanism) { return has_word(offered, mechanism.name); });
    return row == kMechanisms.end() ? nullptr : &*row;
}

std::optional<ClientExchange> ClientExchange::choose(std::string_view offered,
                                                     Credentials credentials) {
    const Row* row = find(offered);
    if (row == nullptr) return std::nullopt;
    return ClientExchange(*row, std::move(credentials));
}

std::string_view ClientExchange::mechanism() const {
    return row_->name;
}

std::optional<std::string> ClientExchange::initial_response() {
    if (!row_->client_first) return std::nullopt;
    return answer({});
}

// PLAIN and LOGIN ask in a fixed order; LOGIN's prompts are spelled in many ways, so they are not
// looked at.
std::optional<std::string> ClientExchange::answer(std::string_view) {
    const auto response = row_->respond(credentials_, steps_);
    if (!response) return std::nullopt;
    ++steps_;
    return mail::base64_encode(*response);
}

}  // namespace veredus::sasl
