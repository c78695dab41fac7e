#include "daemons/imapd/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/async/time.h"
#include "common/imap/commands.h"
#include "common/imap/feed.h"
#include "common/ipc/hand_over.h"
#include "common/net/stream.h"
#include "common/sasl/server.h"

namespace veredus::imapd {
namespace {

using async::Task;
using imap::Answer;
using imap::Code;
using imap::Command;

// After so many wrong passwords, or so many errors in all, the client is shown the door.
constexpr unsigned kFailuresMax = 3;
constexpr unsigned kErrorsMax = 25;

class Session {
  public:
    Session(Service& service, net::Stream& client, async::Stop& stop)
        : service_(service),
          env_(service.env),
          client_(client),
          stop_(stop),
          began_(service.env.loop.now()) {}

    // The connection in the not authenticated state (RFC 3501 section 3.1).
    Task<> serve(bool tls_at_once) {
        client_.deadline(env_.config.limits.idle);
        if (tls_at_once)
            co_await client_.start_tls(service_.certificate.context(), net::TlsRole::server);
        put(imap::kUntagged, imap::ok(env_.config.hostname + " Veredus IMAP ready",
                                      Code::kCapability, capabilities()));
        while (!over_) {
            auto command = co_await read_command();
            if (!command) co_return;
            if (const auto* refusal = std::get_if<imap::Refusal>(&*command)) {
                answer(refusal->tag, refusal->answer);
                continue;
            }
            const auto& known = std::get<Command>(*command);
            const auto handler = std::ranges::find(kHandlers, known.spec->verb, &Handler::verb);
            const auto result = co_await (this->*handler->run)(known);
            if (result) answer(known.tag, *result);
            if (std::exchange(tls_wanted_, false)) co_await begin_tls();
        }
        client_.deadline(env_.config.limits.idle);
        co_await client_.flush();
        if (session_) co_return co_await hand_over();
        co_await client_.shutdown();
    }

    bool waiting() const { return waiting_; }

  private:
    using Read = std::variant<Command, imap::Refusal>;
    // A command's answer; nothing if somebody else gives it.
    using Result = std::optional<Answer>;
    struct Handler {
        imap::Verb verb;
        Task<Result> (Session::*run)(const Command& command);
    };
    static const std::array<Handler, 7> kHandlers;

    void put(std::string_view tag, const Answer& what) {
        client_.put(imap::status_line(tag, what));
    }

    // Counts what went wrong; who makes nothing but errors is not a mail client.
    void answer(std::string_view tag, const Answer& what) {
        put(tag, what);
        if (what.condition == imap::Condition::kOk) return;
        if (++errors_ < kErrorsMax && failures_ < kFailuresMax) return;
        put(imap::kUntagged, imap::bye("Too many errors"));
        over_ = true;
    }

    // Nothing if the client has gone or must go.
    Task<std::optional<Read>> read_command() {
        const auto patience = env_.config.limits.idle;
        client_.deadline(patience);
        if (!client_.has_line()) co_await client_.flush();
        imap::CommandReader reader(imap::kLimitsBeforeLogin, imap::State::kNotAuthenticated);
        while (reader.need() != imap::CommandReader::Need::kNothing) {
            waiting_ = true;
            client_.deadline(patience);
            const bool fed = co_await imap::feed(reader, client_, patience);
            waiting_ = false;
            if (fed) continue;
            if (reader.need() == imap::CommandReader::Need::kClose) {
                client_.farewell(imap::status_line(
                    imap::kUntagged, imap::bye("That is too much to read for nothing")));
            }
            co_return std::nullopt;
        }
        co_return reader.take();
    }

    // A password may be sent here: nobody on the way can read it.
    bool login_permitted() const { return client_.secured() || client_.peer().loopback(); }
    static Answer refuse_login_in_the_clear() {
        return imap::no("A password needs TLS here: begin it with STARTTLS, or use port 993",
                        Code::kPrivacyRequired);
    }
    std::string capabilities() const {
        return imap::capabilities_before_login(!client_.secured(), login_permitted());
    }

    Task<Result> capability(const Command&) {
        client_.put("* CAPABILITY " + capabilities() + "\r\n");
        co_return imap::ok("CAPABILITY completed");
    }
    Task<Result> noop(const Command&) { co_return imap::ok("NOOP completed"); }
    Task<Result> logout(const Command&) {
        put(imap::kUntagged, imap::bye("Logging out"));
        over_ = true;
        co_return imap::ok("LOGOUT completed");
    }
    Task<Result> id(const Command&) {
        client_.put("* ID (\"name\" \"Veredus\")\r\n");
        co_return imap::ok("ID completed");
    }

    Task<Result> starttls(const Command&) {
        if (client_.secured()) co_return imap::bad("TLS is on already");
        tls_wanted_ = true;
        co_return imap::ok("Begin TLS negotiation now");
    }
    // What the client sent before TLS is dropped, and so is what we knew of it.
    Task<> begin_tls() {
        co_await client_.flush();
        co_await client_.start_tls(service_.certificate.context(), net::TlsRole::server);
    }

    Task<Result> login(const Command& command) {
        const auto& arguments = std::get<imap::LoginArguments>(command.arguments);
        if (!login_permitted()) co_return refuse_login_in_the_clear();
        co_return co_await log_in(command.tag, arguments.user, arguments.password, "LOGIN");
    }

    // RFC 3501 section 6.2.2, RFC 4959.
    Task<Result> authenticate(const Command& command) {
        const auto& arguments = std::get<imap::AuthenticateArguments>(command.arguments);
        auto exchange = sasl::ServerExchange::create(arguments.mechanism);
        if (!exchange) {
            co_return imap::no("There is no such mechanism; PLAIN and LOGIN are offered",
                               Code::kCannot);
        }
        if (!login_permitted()) co_return refuse_login_in_the_clear();
        auto step = exchange->begin(arguments.initial_response);
        while (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
            client_.put("+ " + challenge->line + "\r\n");
            client_.deadline(env_.config.limits.idle);
            co_await client_.flush();
            const auto line = co_await client_.read_line(sasl::ServerExchange::kLineMax);
            if (!line) throw net::IoError("the client left within AUTHENTICATE");
            step = line->fault == net::Line::Fault::none ? exchange->answer(line->text)
                                                         : sasl::Failure::malformed;
        }
        if (const auto* failure = std::get_if<sasl::Failure>(&step)) {
            co_return imap::bad(*failure == sasl::Failure::cancelled
                                    ? "AUTHENTICATE cancelled"
                                    : "That is not what the mechanism asks for, in base64");
        }
        const auto& credentials = std::get<sasl::Credentials>(step);
        const auto& as_whom = credentials.authorization_identity;
        if (!as_whom.empty() && as_whom != credentials.authentication_identity) {
            co_return imap::no("Nobody can act as another user here", Code::kAuthorizationFailed);
        }
        co_return co_await log_in(command.tag, credentials.authentication_identity,
                                  credentials.password, exchange->mechanism());
    }

    Task<Result> log_in(std::string tag, std::string user, std::string password,
                        std::string_view method) {
        client_.no_deadline();  // accountd takes its time over a wrong password
        const ipc::login::Login question{0, ipc::login::Protocol::imap, user, std::move(password),
                                         client_.peer().ip};
        const auto ask = [&](async::Stop& stop) { return service_.login.ask(question, stop); };
        std::optional<ipc::Received<ipc::login::Answer>> reply;
        try {
            reply = co_await async::with_timeout(env_.loop, stop_, env_.config.limits.idle, ask);
        } catch (const async::TimedOut&) {
            env_.log.warning("accountd does not answer");
        }
        using enum ipc::login::Result;
        auto* const logged_in = reply ? &std::get<ipc::login::LoggedIn>(reply->message) : nullptr;
        if (logged_in == nullptr || logged_in->result == unavailable) {
            co_return imap::no("Logins are not possible just now; try again later",
                               Code::kUnavailable);
        }
        if (logged_in->result == wrong) {
            ++failures_;
            const auto seconds =
                std::chrono::duration_cast<std::chrono::seconds>(env_.loop.now() - began_);
            env_.log.info(
                "imap-login: Disconnected (auth failed, {} attempts in {} secs): user=<{}>, "
                "method={}, rip={}",
                failures_, seconds.count(), user, method, client_.peer().ip);
            co_return imap::no("The name or the password is wrong", Code::kAuthenticationFailed);
        }
        if (reply->descriptors.size() != 1) {
            co_return imap::no("The mailbox cannot be opened just now; try again later",
                               Code::kUnavailable);
        }
        env_.log.info("imap-login: Login: user=<{}>, method={}, rip={}{}", logged_in->user, method,
                      client_.peer().ip, client_.secured() ? ", TLS" : "");
        session_ = std::move(reply->descriptors.front());
        tag_ = std::move(tag);
        over_ = true;
        co_return std::nullopt;
    }

    // The user's process answers the login; from here on the client is its.
    Task<> hand_over() {
        ipc::carry::Carry carry;
        carry.protocol = ipc::login::Protocol::imap;
        carry.client = client_.peer().ip;
        carry.tag = tag_;
        std::string failure;
        try {
            co_await ipc::hand_over(client_, std::move(session_), std::move(carry), stop_);
        } catch (const net::IoError& error) {
            failure = error.what();
        }
        if (failure.empty()) co_return;
        env_.log.warning("{}: {}", client_.peer().ip, failure);
        client_.farewell(imap::status_line(
            tag_, imap::no("The mailbox cannot be opened just now; try again later",
                           Code::kUnavailable)));
    }

    Service& service_;
    daemon::Env& env_;
    net::Stream& client_;
    async::Stop& stop_;
    const async::Time began_;
    net::Descriptor session_;  // of the user who has logged in
    std::string tag_;          // of the command that did it
    unsigned failures_ = 0;    // wrong passwords
    unsigned errors_ = 0;      // in all
    bool tls_wanted_ = false;
    bool waiting_ = false;
    bool over_ = false;
};

const std::array<Session::Handler, 7> Session::kHandlers{{
    {imap::Verb::kCapability, &Session::capability},
    {imap::Verb::kNoop, &Session::noop},
    {imap::Verb::kLogout, &Session::logout},
    {imap::Verb::kId, &Session::id},
    {imap::Verb::kStartTls, &Session::starttls},
    {imap::Verb::kLogin, &Session::login},
    {imap::Verb::kAuthenticate, &Session::authenticate},
}};

}  // namespace

Task<> serve_client(Service& service, net::Descriptor socket, bool tls_at_once) {
    log::Log& log = service.env.log;
    async::Stop stop(service.env.stop);
    net::Stream client(service.env.loop, std::move(socket), stop);
    const std::string ip = client.peer().ip;
    const auto farewell = [&](std::string text, Code code) {
        client.farewell(imap::status_line(imap::kUntagged, imap::bye(std::move(text), code)));
    };
    const auto permit =
        service.connections.admit(ip, service.env.config.limits.connections_per_address);
    if (!permit) {
        if (!tls_at_once) farewell("Too many connections from your address", Code::kLimit);
        log.warning("too many connections from {}", ip);
        co_return;
    }
    Session session(service, client, stop);
    try {
        co_await session.serve(tls_at_once);
    } catch (const async::Stopped&) {
        if (session.waiting()) farewell("The server is going down", Code::kUnavailable);
    } catch (const async::TimedOut&) {
        if (session.waiting()) farewell("Autologout; idle for too long", Code::kNone);
        log.info("{}: silent for too long", ip);
    } catch (const net::IoError& error) {
        log.info("{}: {}", ip, error.what());
    } catch (const net::TlsError& error) {
        log.info("{}: TLS failed: {}", ip, error.what());
    }
}

}  // namespace veredus::imapd
