#include "daemons/submitd/policies.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "common/mail/address.h"
#include "common/mail/date.h"
#include "common/smtp/server/intake_sink.h"
#include "daemons/submitd/completion.h"
#include "daemons/submitd/queue_listing.h"

namespace veredus::submitd {
namespace {

using async::Stop;
using async::Task;
using smtp::Answer;
using smtp::say;
using smtp::Say;
using QueueSink = smtp::IntakeSink<intake::IntakeClient, intake::Body, intake::Envelope>;

smtp::Domain first_domain(const config::Config& config) {
    auto domain = smtp::Domain::parse(config.domains.front());
    if (!domain)
        throw std::runtime_error("domains: \"" + config.domains.front() + "\" is no domain");
    return std::move(*domain);
}

}  // namespace

// --- Both

SubmissionPolicy::SubmissionPolicy(daemon::Env& env, Links links)
    : env_(env), links_(links), own_(first_domain(env.config)) {}

void SubmissionPolicy::configure() {
    own_ = first_domain(env_.config);
}

Task<smtp::Policy::Refusal> SubmissionPolicy::rcpt(const smtp::Client&,
                                                   const smtp::Mailbox& recipient, Stop& stop) {
    // Of others' domains accountd knows nothing but that.
    if (!env_.config.is_local_domain(recipient.domain().text())) co_return std::nullopt;
    const auto resolved = co_await links_.resolver.resolve(recipient.text(), stop);
    if (!resolved || resolved->kind == ipc::resolve::Kind::unavailable)
        co_return say(Say::resolver_unavailable);
    if (resolved->kind == ipc::resolve::Kind::unknown)
        co_return say(Say::unknown_user, {recipient.text()});
    co_return std::nullopt;
}

std::unique_ptr<smtp::Sink> SubmissionPolicy::sink() {
    return std::make_unique<QueueSink>(links_.queue);
}

std::string SubmissionPolicy::completed(const smtp::ArrivedHeader& header,
                                        std::optional<std::string> from) const {
    std::array<std::uint64_t, 2> random{};
    env_.random(random.data(), sizeof random);
    const mail::QueueId id = header.transaction.id;
    const Completion completion{
        .date = mail::local_time(id.arrival_us() / 1'000'000),
        .message_id = fmt::format("{}.{:016x}@{}", id.text(), random[0], env_.config.hostname),
        .from = std::move(from)};
    return missing_fields(header.fields, completion);
}

// --- Users

UserPolicy::UserPolicy(daemon::Env& env, Links links, daemon::Certificate& certificate)
    : SubmissionPolicy(env, links), certificate_(certificate) {}

Task<smtp::Policy::LoginResult> UserPolicy::log_in(const smtp::Client& client, std::string user,
                                                   std::string password, Stop& stop) {
    ipc::verify::Verify question;
    question.user = std::move(user);
    question.password = std::move(password);
    question.client = client.address.ip;
    const auto answer = co_await links_.verify.ask(std::move(question), stop);
    if (!answer) co_return LoginResult{Login::unavailable, {}};
    const auto& verified = std::get<ipc::verify::Verified>(answer->message);
    if (!verified.ok) co_return LoginResult{Login::wrong, {}};
    co_return LoginResult{Login::ok, verified.user};
}

// <> is open to all: what a mail program answers by itself (RFC 3798) is sent that way.
Task<smtp::Policy::Refusal> UserPolicy::mail(const smtp::Client& client,
                                             const smtp::MailArguments& mail, Stop& stop) {
    if (mail.reverse_path.is_null()) co_return std::nullopt;
    const std::string address = mail.reverse_path.text();
    const auto allowed = co_await links_.resolver.may_use(client.user, address, stop);
    if (!allowed) co_return say(Say::resolver_unavailable);
    if (!*allowed) co_return say(Say::sender_not_yours, {address, client.user});
    co_return std::nullopt;
}

Task<std::expected<std::string, Answer>> UserPolicy::header(const smtp::Client& client,
                                                            const smtp::ArrivedHeader& header,
                                                            Stop& stop) {
    const auto addresses = from_addresses(header.fields);
    if (!addresses) co_return std::unexpected(say(Say::header_from_bad));
    // The reverse path was looked at already, and most often is the same.
    const std::string known = header.transaction.mail.reverse_path.text();
    for (const auto& address : *addresses) {
        if (address == known || address == client.user) continue;
        const auto allowed = co_await links_.resolver.may_use(client.user, address, stop);
        if (!allowed) co_return std::unexpected(say(Say::resolver_unavailable));
        if (!*allowed)
            co_return std::unexpected(say(Say::header_from_not_yours, {address, client.user}));
    }
    co_return completed(header, std::nullopt);
}

// --- Programs

ProgramPolicy::ProgramPolicy(daemon::Env& env, Links links, const LocalUsers& users)
    : SubmissionPolicy(env, links), users_(users) {}

std::string ProgramPolicy::program_user(unsigned uid) const {
    const LocalUser* user = users_.find(uid);
    return user != nullptr ? user->name : Policy::program_user(uid);
}

Task<smtp::Policy::Refusal> ProgramPolicy::mail(const smtp::Client&, const smtp::MailArguments&,
                                                Stop&) {
    co_return std::nullopt;
}

Task<std::expected<std::string, Answer>> ProgramPolicy::header(const smtp::Client& client,
                                                               const smtp::ArrivedHeader& header,
                                                               Stop&) {
    const auto& sender = header.transaction.mail.reverse_path;
    const LocalUser* user = users_.find(*client.uid);
    std::string address = sender.text();
    if (sender.is_null())
        address = (user != nullptr ? user->name : "postmaster") + '@' + own_domain().text();
    co_return completed(header,
                        mail::address_text(user != nullptr ? user->real_name : "", address));
}

std::expected<std::unique_ptr<smtp::QueueListing>, Answer> ProgramPolicy::list_queue() {
    return submitd::list_queue(env_.loop, env_.link("queue_list"));
}

}  // namespace veredus::submitd
