#include "daemons/smtpd/smtpd.h"

#include <functional>

#include "common/accounts/resolver.h"
#include "common/smtp/server/intake_sink.h"
#include "common/smtp/server/server.h"
#include "spool/intake/intake_client.h"

namespace veredus::smtpd {
namespace {

using async::Stop;
using async::Task;
using smtp::say;
using smtp::Say;
using QueueSink = smtp::IntakeSink<intake::IntakeClient, intake::Body, intake::Envelope>;

// Mail from anybody to the people of this host, and to nobody else.
class MxPolicy final : public smtp::Policy {
  public:
    MxPolicy(daemon::Certificate& certificate, accounts::Resolver& resolver,
             intake::IntakeClient& queue, smtp::Domain own)
        : certificate_(certificate), resolver_(resolver), queue_(queue), own_(std::move(own)) {}

    net::TlsContext* tls() override { return &certificate_.context(); }
    const smtp::Domain& own_domain() const override { return own_; }
    void own_domain(smtp::Domain own) { own_ = std::move(own); }

    bool queue_has_room() const override { return queue_.has_room(); }

    Task<Refusal> mail(const smtp::Client&, const smtp::MailArguments&, Stop&) override {
        co_return std::nullopt;
    }

    Task<Refusal> rcpt(const smtp::Client&, const smtp::Mailbox& recipient, Stop& stop) override {
        const std::string address = recipient.text();
        const auto resolved = co_await resolver_.resolve(address, stop);
        if (!resolved) co_return say(Say::resolver_unavailable);
        switch (resolved->kind) {
            case ipc::resolve::Kind::mailbox:
            case ipc::resolve::Kind::alias:
            case ipc::resolve::Kind::host_user:
                co_return std::nullopt;
            case ipc::resolve::Kind::unknown:
                co_return say(Say::unknown_user, {address});
            case ipc::resolve::Kind::not_local:
                co_return say(Say::relaying_denied, {address});
            case ipc::resolve::Kind::unavailable:
                break;
        }
        co_return say(Say::resolver_unavailable);
    }

    std::unique_ptr<smtp::Sink> sink() override { return std::make_unique<QueueSink>(queue_); }

  private:
    daemon::Certificate& certificate_;
    accounts::Resolver& resolver_;
    intake::IntakeClient& queue_;
    smtp::Domain own_;
};

// The domain of <postmaster>: the first of the configuration.
smtp::Domain own_domain(const config::Config& config) {
    auto domain = smtp::Domain::parse(config.domains.front());
    if (!domain)
        throw std::runtime_error("domains: \"" + config.domains.front() + "\" is no domain");
    return std::move(*domain);
}

}  // namespace

Task<> serve(daemon::Env& env, daemon::Certificate& certificate) {
    accounts::Resolver resolver(env.loop, env.link("resolve"));
    intake::IntakeClient queue(env.loop, env.log, env.link("intake"));
    MxPolicy policy(certificate, resolver, queue, own_domain(env.config));
    smtp::Server server(env);
    env.on_reload = [&] {
        server.configure();
        policy.own_domain(own_domain(env.config));
    };
    const auto links = [&](async::Scope& scope) {
        const auto keep_resolver = [&](Stop& stop) { return resolver.run(stop); };
        const auto keep_queue = [&](Stop& stop) { return queue.run(stop); };
        scope.spawn(keep_resolver, std::ref(scope.stop()));
        scope.spawn(keep_queue, std::ref(scope.stop()));
    };
    const auto body = [&](async::Scope& scope) -> Task<> {
        certificate.serve(env, scope);
        auto listening = env.take_sockets("smtp");
        if (listening.empty()) throw std::runtime_error("smtpd was passed no socket named smtp");
        for (auto& socket : listening)
            server.listen(scope, std::move(socket), smtp::Server::Kind::plain, policy);
        env.ready();
        co_await scope.join();
    };
    co_await async::with_supported_scope(env.loop, env.stop, links, body);
    env.on_reload = nullptr;
}

}  // namespace veredus::smtpd
