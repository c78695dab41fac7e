#include "common/smtp/server/policy.h"

#include "common/mail/received.h"

namespace veredus::smtp {

std::string Client::log_name() const {
    if (local()) return "local[" + program_user + ']';
    return (address.loopback() ? "localhost[" : "unknown[") + address.ip + ']';
}

mail::ClientFacts Client::facts() const {
    mail::ClientFacts out;
    out.name = helo;
    out.address = local() ? "local" : address.ip;
    out.protocol = mail::protocol_name(extended, tls.has_value(), !user.empty());
    out.auth_user = local() ? program_user : user;
    if (tls) out.tls = tls->protocol + ' ' + tls->cipher;
    return out;
}

std::string Policy::program_user(unsigned uid) const {
    return "uid=" + std::to_string(uid);
}

async::Task<Policy::LoginResult> Policy::log_in(const Client&, std::string, std::string,
                                                async::Stop&) {
    co_return LoginResult();
}

async::Task<std::expected<std::string, Answer>> Policy::header(const Client&, const ArrivedHeader&,
                                                               async::Stop&) {
    co_return std::string();
}

std::expected<std::unique_ptr<QueueListing>, Answer> Policy::list_queue() {
    return std::unexpected(say(Say::not_implemented, {"XQUEUE"}));
}

}  // namespace veredus::smtp
