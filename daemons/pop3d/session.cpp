#include "daemons/pop3d/session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/ipc/hand_over.h"
#include "common/net/stream.h"
#include "common/pop3/command.h"
#include "common/pop3/reply.h"
#include "common/sasl/server.h"

namespace veredus::pop3d {
namespace {

using async::Task;
using pop3::Command;
using pop3::Verb;

// After so many wrong passwords, or so many errors in all, the client is shown the door.
constexpr unsigned kFailuresMax = 5;
constexpr unsigned kErrorsMax = 25;

class Session {
  public:
    Session(Service& service, net::Stream& client, async::Stop& stop)
        : service_(service), env_(service.env), client_(client), stop_(stop) {}

    Task<> serve(bool tls_at_once) {
        client_.deadline(env_.config.limits.idle);
        if (tls_at_once)
            co_await client_.start_tls(service_.certificate.context(), net::TlsRole::server);
        client_.put(pop3::ok(fmt::format("{} Veredus POP3 ready", env_.config.hostname)));
        while (!over_) {
            if (!client_.has_line()) co_await client_.flush();
            const auto line = co_await next_line();
            if (!line) co_return;
            const auto command = understand(*line);
            if (!command) {
                refuse(command.error());
                continue;
            }
            const auto handler = std::ranges::find(kHandlers, command->verb, &Handler::verb);
            co_await (this->*handler->run)(*command);
        }
        if (session_) co_return co_await hand_over();
        client_.deadline(env_.config.limits.idle);
        co_await client_.flush();
        co_await client_.shutdown();
    }

    bool waiting() const { return waiting_; }

  private:
    struct Handler {
        Verb verb;
        Task<> (Session::*run)(const Command& command);
    };
    static const std::array<Handler, 6> kHandlers;

    Task<std::optional<net::Line>> next_line() {
        client_.deadline(env_.config.limits.idle);
        waiting_ = true;
        const auto line = co_await client_.read_line(pop3::kLineMax);
        waiting_ = false;
        co_return line;
    }

    static std::expected<Command, std::string> understand(const net::Line& line) {
        switch (line.fault) {
            case net::Line::Fault::none:
                return pop3::parse_command(line.text, pop3::State::authorization);
            case net::Line::Fault::too_long:
                return std::unexpected("the line is too long");
            case net::Line::Fault::bare_lf:
            case net::Line::Fault::bare_cr:
                return std::unexpected("a line ends with CR LF, both; your client sent only one");
        }
        std::unreachable();
    }

    void refuse(std::string_view why) {
        client_.put(pop3::error(why));
        over_ = over_ || ++errors_ >= kErrorsMax;
    }

    // A password may be sent here: nobody on the way can read it.
    bool login_permitted() const { return client_.secured() || client_.peer().loopback(); }
    bool refuse_login_in_the_clear() {
        if (login_permitted()) return false;
        refuse("[SYS/PERM] a password needs TLS here: say STLS first, or use port 995");
        return true;
    }

    Task<> user(const Command& command) {
        if (refuse_login_in_the_clear()) co_return;
        user_ = command.text;
        client_.put(pop3::ok("now say PASS and the password"));
    }

    Task<> pass(const Command& command) {
        if (refuse_login_in_the_clear()) co_return;
        if (user_.empty()) {
            refuse("say USER and your name first");
            co_return;
        }
        co_await log_in(std::exchange(user_, {}), command.text, "USER");
    }

    // RFC 5034, with PLAIN (RFC 4616) alone.
    Task<> auth(const Command& command) {
        const auto space = command.text.find(' ');
        const std::string mechanism = pop3::upper_case(command.text.substr(0, space));
        if (mechanism.empty()) {  // asked by old clients
            client_.put(pop3::ok("mechanisms follow") + "PLAIN\r\n.\r\n");
            co_return;
        }
        if (mechanism != "PLAIN") {
            refuse("there is no such mechanism; PLAIN is offered");
            co_return;
        }
        if (refuse_login_in_the_clear()) co_return;
        auto exchange = *sasl::ServerExchange::create(mechanism);
        std::optional<std::string> initial;
        if (space != std::string::npos) initial = command.text.substr(space + 1);
        auto step = exchange.begin(initial);
        while (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
            client_.put(fmt::format("+ {}\r\n", challenge->line));
            co_await client_.flush();
            const auto line = co_await next_line();
            if (!line) throw net::IoError("the client left within AUTH");
            step = line->fault == net::Line::Fault::none ? exchange.answer(line->text)
                                                         : sasl::Failure::malformed;
        }
        if (const auto* failure = std::get_if<sasl::Failure>(&step)) {
            refuse(*failure == sasl::Failure::cancelled
                       ? "authentication cancelled"
                       : "PLAIN wants the base64 of NUL user NUL password");
            co_return;
        }
        const auto& credentials = std::get<sasl::Credentials>(step);
        const auto& as_whom = credentials.authorization_identity;
        if (!as_whom.empty() && as_whom != credentials.authentication_identity) {
            refuse("[AUTH] nobody can act as another user here");
            co_return;
        }
        co_await log_in(credentials.authentication_identity, credentials.password, "PLAIN");
    }

    Task<> log_in(std::string user, std::string password, std::string_view method) {
        client_.no_deadline();  // accountd takes its time over a wrong password
        ipc::login::Login question{0, ipc::login::Protocol::pop3, user, std::move(password),
                                   client_.peer().ip};
        auto answer = co_await service_.login.ask(std::move(question), stop_);
        using enum ipc::login::Result;
        auto* const logged_in = answer ? &std::get<ipc::login::LoggedIn>(answer->message) : nullptr;
        if (logged_in == nullptr || logged_in->result == unavailable) {
            refuse("[SYS/TEMP] logins are not possible just now");
        } else if (logged_in->result == wrong) {
            env_.log.info(
                "pop3-login: Disconnected (auth failed, {} attempts): user=<{}>, "
                "method={}, rip={}",
                failures_ + 1, user, method, client_.peer().ip);
            refuse("[AUTH] the name or the password is wrong");
            over_ = ++failures_ >= kFailuresMax;
        } else if (answer->descriptors.size() != 1) {
            refuse("[SYS/TEMP] the mailbox cannot be opened just now");
        } else {
            env_.log.info("pop3-login: Login: user=<{}>, method={}, rip={}{}", logged_in->user,
                          method, client_.peer().ip, client_.secured() ? ", TLS" : "");
            session_ = std::move(answer->descriptors.front());
            over_ = true;
        }
    }

    // The user's process answers the login; from here on the client is its.
    Task<> hand_over() {
        client_.deadline(env_.config.limits.idle);
        co_await client_.flush();
        ipc::carry::Carry carry;
        carry.protocol = ipc::login::Protocol::pop3;
        carry.client = client_.peer().ip;
        co_await ipc::hand_over(client_, std::move(session_), std::move(carry), stop_);
    }

    Task<> stls(const Command&) {
        if (client_.secured()) {
            refuse("TLS is on already");
            co_return;
        }
        client_.put(pop3::ok("begin TLS now"));
        co_await client_.flush();
        co_await client_.start_tls(service_.certificate.context(), net::TlsRole::server);
        user_.clear();  // RFC 2595, 4: what was said before is forgotten
    }

    Task<> capa(const Command&) {
        client_.put(pop3::capabilities({.state = pop3::State::authorization,
                                        .secured = client_.secured(),
                                        .tls_offered = true,
                                        .login_permitted = login_permitted()}));
        co_return;
    }

    Task<> quit(const Command&) {
        client_.put(pop3::ok("bye"));
        over_ = true;
        co_return;
    }

    Service& service_;
    daemon::Env& env_;
    net::Stream& client_;
    async::Stop& stop_;
    std::string user_;         // what USER said
    net::Descriptor session_;  // of the user who has logged in
    unsigned failures_ = 0;
    unsigned errors_ = 0;
    bool waiting_ = false;
    bool over_ = false;
};

const std::array<Session::Handler, 6> Session::kHandlers{{
    {Verb::user, &Session::user},
    {Verb::pass, &Session::pass},
    {Verb::auth, &Session::auth},
    {Verb::stls, &Session::stls},
    {Verb::capa, &Session::capa},
    {Verb::quit, &Session::quit},
}};

}  // namespace

Task<> serve_client(Service& service, net::Descriptor socket, bool tls_at_once) {
    log::Log& log = service.env.log;
    async::Stop stop(service.env.stop);
    net::Stream client(service.env.loop, std::move(socket), stop);
    const std::string ip = client.peer().ip;
    const auto permit =
        service.connections.admit(ip, service.env.config.limits.connections_per_address);
    if (!permit) {
        if (!tls_at_once)
            client.farewell(pop3::error("[SYS/TEMP] too many connections from your address"));
        log.warning("too many connections from {}", ip);
        co_return;
    }
    Session session(service, client, stop);
    try {
        co_await session.serve(tls_at_once);
    } catch (const async::Stopped&) {
        if (session.waiting()) client.farewell(pop3::error("[SYS/TEMP] the server is going down"));
    } catch (const async::TimedOut&) {
        log.info("{}: silent for too long", ip);
    } catch (const net::IoError& error) {
        log.info("{}: {}", ip, error.what());
    } catch (const net::TlsError& error) {
        log.info("{}: TLS failed: {}", ip, error.what());
    }
}

}  // namespace veredus::pop3d
