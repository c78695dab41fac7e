#include "daemons/accountd/accountd.h"

#include <array>
#include <optional>
#include <utility>

#include "common/async/blocking.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/daemon/serve_link.h"
#include "common/ipc/account.h"
#include "common/ipc/host.h"
#include "common/ipc/mailbox.h"
#include "common/ipc/request_link.h"
#include "daemons/accountd/guesses.h"
#include "spool/account/password.h"

namespace veredus::accountd {
namespace {

using async::Scope;
using async::Stop;
using async::Task;
using daemon::Env;
using ipc::Channel;

// Argon2 takes 64 MiB a check: so many at a time.
constexpr std::size_t kChecksAtOnce = 4;

class Accountd {
  public:
    Accountd(Env& env, spool::AccountStore& accounts, net::Descriptor edition)
        : env_(env),
          accounts_(accounts),
          edition_(std::move(edition)),
          sessions_(env.loop, env.link("session")),
          host_users_(env.loop, env.link("host_user")),
          has_host_users_(env.config.local.users),
          checks_(env.loop, kChecksAtOnce),
          guesses_(env.loop.clock(), random_key(env)) {}

    Task<> run(Scope& scope) {
        env_.on_reload = [this] { accounts_.set_local_domains(env_.config.domains); };
        scope.spawn([this, &scope]() -> Task<> { co_await sessions_.run(scope.stop()); });
        if (has_host_users_)
            scope.spawn([this, &scope]() -> Task<> { co_await host_users_.run(scope.stop()); });
        daemon::serve_link<ipc::resolve::Request, ipc::resolve::Answer>(
            env_, scope, "resolve",
            [this](auto& channel, Scope& peer) { return resolve(channel, peer); });
        daemon::serve_link<ipc::verify::Request, ipc::verify::Answer>(
            env_, scope, "verify",
            [this](auto& channel, Scope& peer) { return verify(channel, peer); });
        daemon::serve_link<ipc::login::Request, ipc::login::Answer>(
            env_, scope, "login",
            [this](auto& channel, Scope& peer) { return log_in(channel, peer); });
        env_.ready();
        co_await async::until_stopped(env_.loop, scope.stop());
    }

  private:
    using ResolveChannel = Channel<ipc::resolve::Request, ipc::resolve::Answer>;
    using VerifyChannel = Channel<ipc::verify::Request, ipc::verify::Answer>;
    using LoginChannel = Channel<ipc::login::Request, ipc::login::Answer>;

    static std::array<std::uint8_t, 32> random_key(Env& env) {
        std::array<std::uint8_t, 32> key{};
        env.random(key.data(), key.size());
        return key;
    }

    // --- resolve

    Task<> resolve(ResolveChannel& channel, Scope& peer) {
        for (;;) {
            const auto asked = co_await channel.receive(peer.stop());
            if (!asked) co_return;
            std::visit([&](const auto& question) { answer(channel, peer, question); },
                       asked->message);
            co_await channel.drained(peer.stop());
        }
    }

    void answer(ResolveChannel& channel, Scope& peer, const ipc::resolve::Resolve& question) {
        auto known = accounts_.look_for(question.address);
        auto out = resolved(question.request, std::move(known.resolution));
        out.lasting = known.host_name.empty() || !has_host_users_;
        if (out.lasting) return channel.send(ipc::resolve::Answer(std::move(out)));
        // Others' questions need not wait for what the host knows of its users.
        const auto ask = [this](ResolveChannel& to, Stop& stop, ipc::resolve::Resolved otherwise,
                                std::string name) -> Task<> {
            to.send(co_await among_host_users(std::move(otherwise), std::move(name), stop));
        };
        peer.spawn(ask, std::ref(channel), std::ref(peer.stop()), std::move(out),
                   std::move(known.host_name));
    }

    static ipc::resolve::Resolved resolved(std::uint32_t request,
                                           spool::AccountStore::Resolution resolution) {
        ipc::resolve::Resolved out;
        out.request = request;
        if (auto* mailbox = std::get_if<spool::AccountStore::Mailbox>(&resolution)) {
            out.kind = ipc::resolve::Kind::mailbox;
            out.user = std::move(mailbox->user);
        } else if (auto* alias = std::get_if<spool::AccountStore::Alias>(&resolution)) {
            out.kind = ipc::resolve::Kind::alias;
            out.targets = std::move(alias->targets);
        } else if (std::holds_alternative<spool::AccountStore::NotLocal>(resolution)) {
            out.kind = ipc::resolve::Kind::not_local;
        }
        return out;
    }

    // A user of the host comes before a catch-all. What is written to an account that is no
    // person's (www-data, backup) is root's, who has an alias, or else his mailbox in /var/mail.
    Task<ipc::resolve::Answer> among_host_users(ipc::resolve::Resolved otherwise, std::string name,
                                                Stop& stop) {
        ipc::host_user::Ask question;
        question.name = name;
        const auto told = co_await host_users_.ask(std::move(question), stop);
        ipc::resolve::Resolved out;
        out.request = otherwise.request;
        if (!told) {
            out.kind = ipc::resolve::Kind::unavailable;
            co_return out;
        }
        const auto kind = std::get<ipc::host_user::Told>(told->message).kind;
        if (kind == ipc::host_user::Kind::none) co_return otherwise;
        out.kind = ipc::resolve::Kind::host_user;
        out.user = std::move(name);
        if (kind == ipc::host_user::Kind::root && out.user != "root") {
            auto roots = accounts_.look_for(accounts_.login_address("root"));
            if (roots.host_name.empty())
                co_return resolved(otherwise.request, std::move(roots.resolution));
            out.user = "root";
        }
        co_return out;
    }

    void answer(ResolveChannel& channel, Scope&, const ipc::resolve::MayUse& question) {
        channel.send(ipc::resolve::Allowed{question.request,
                                           accounts_.may_use(question.user, question.address)});
    }

    void answer(ResolveChannel& channel, Scope&, const ipc::resolve::Watch& question) {
        channel.send(ipc::resolve::Watching{question.request},
                     net::Descriptor(::dup(edition_.get())));
    }

    // --- passwords

    // The user's canonical address, or nothing, after the pause that a wrong password costs.
    Task<std::optional<std::string>> check(std::string name, std::string password,
                                           std::string client, Stop& stop) {
        const std::string user = accounts_.login_address(name);
        const auto credential = accounts_.credential(user);
        bool right = false;
        {
            const auto permit = co_await checks_.acquire(stop);
            const auto compare = [&] {
                if (credential) return spool::password_matches(*credential, password);
                spool::check_nothing(password);
                return false;
            };
            right = co_await async::blocking(env_.loop, compare);
        }
        if (right) {
            guesses_.right(client, user);
            co_return user;
        }
        const auto pause =
            guesses_.wrong(client, user, password, env_.config.accounts.failure_delay);
        env_.log.warning("wrong password for <{}> from {}", user, client);
        co_await async::sleep_for(env_.loop, pause, stop);
        co_return std::nullopt;
    }

    Task<> verify(VerifyChannel& channel, Scope& peer) {
        for (;;) {
            auto asked = co_await channel.receive(peer.stop());
            if (!asked) co_return;
            const auto one = [this](VerifyChannel& to, Stop& stop,
                                    ipc::verify::Verify question) -> Task<> {
                const auto user =
                    co_await check(question.user, question.password, question.client, stop);
                to.send(
                    ipc::verify::Verified{question.request, user.has_value(), user.value_or("")});
            };
            peer.spawn(one, std::ref(channel), std::ref(peer.stop()),
                       std::get<ipc::verify::Verify>(std::move(asked->message)));
        }
    }

    Task<> log_in(LoginChannel& channel, Scope& peer) {
        for (;;) {
            auto asked = co_await channel.receive(peer.stop());
            if (!asked) co_return;
            const auto one = [this](LoginChannel& to, Stop& stop,
                                    ipc::login::Login question) -> Task<> {
                co_await open_session(to, stop, std::move(question));
            };
            peer.spawn(one, std::ref(channel), std::ref(peer.stop()),
                       std::get<ipc::login::Login>(std::move(asked->message)));
        }
    }

    // Login is a capability: the descriptor that goes back is all the asker will ever hold.
    Task<> open_session(LoginChannel& channel, Stop& stop, ipc::login::Login question) {
        ipc::login::LoggedIn out;
        out.request = question.request;
        const auto user = co_await check(question.user, question.password, question.client, stop);
        if (!user) {
            channel.send(out);
            co_return;
        }
        out.user = *user;
        ipc::open::Open open;
        open.user = *user;
        auto opened = co_await sessions_.ask(std::move(open), stop);
        if (!opened || opened->descriptors.empty()) {
            out.result = ipc::login::Result::unavailable;
            env_.log.warning(
                "no mailbox process for <{}>: {}", *user,
                opened ? std::get<ipc::open::Opened>(opened->message).text : "mailboxd is away");
            channel.send(out);
            co_return;
        }
        out.result = ipc::login::Result::ok;
        channel.send(out, std::move(opened->descriptors.front()));
    }

    Env& env_;
    spool::AccountStore& accounts_;
    const net::Descriptor edition_;
    ipc::RequestLink<ipc::open::Request, ipc::open::Answer> sessions_;
    ipc::RequestLink<ipc::host_user::Request, ipc::host_user::Answer> host_users_;
    const bool has_host_users_;
    async::Semaphore checks_;
    Guesses guesses_;
};

}  // namespace

Task<> serve(Env& env, spool::AccountStore& accounts, net::Descriptor edition) {
    Accountd accountd(env, accounts, std::move(edition));
    const auto body = [&](Scope& scope) { return accountd.run(scope); };
    co_await async::with_scope(env.loop, env.stop, body);
}

}  // namespace veredus::accountd
