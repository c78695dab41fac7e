#include "daemons/mailboxd/pop3/session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/net/address.h"
#include "common/pop3/command.h"
#include "common/pop3/reply.h"
#include "daemons/mailboxd/pop3/maildrop.h"
#include "spool/disk/disk.h"
#include "spool/disk/sqlite.h"

namespace veredus::mailboxd::pop3 {
namespace {

namespace wire = veredus::pop3;
using async::Task;
using wire::Command;
using wire::Verb;

// Bytes of a message read from disk and sent at a time.
constexpr std::size_t kPieceSize = 64 * 1024;
// Answers to pipelined commands are sent when so many bytes have gathered.
constexpr std::size_t kAnswersMax = 64 * 1024;

class Session {
  public:
    explicit Session(SessionContext& context)
        : context_(context), client_(*context.client), maildrop_(open_inbox()) {}

    Task<> serve() {
        client_.put(wire::ok(fmt::format("{}: {}", context_.user, summary())));
        while (!over_) {
            if (!client_.has_line() || client_.unflushed() > kAnswersMax) co_await flush();
            waiting_ = true;
            client_.deadline(context_.config.limits.idle);
            const auto line = co_await client_.read_line(wire::kLineMax);
            waiting_ = false;
            if (!line) co_return;
            const auto command = understand(*line);
            if (!command) {
                client_.put(wire::error(command.error()));
                continue;
            }
            co_await obey(*command);
        }
        co_await flush();
        co_await client_.shutdown();
    }

    // Between two commands: nothing of an answer is under way.
    bool waiting() const { return waiting_; }

  private:
    struct Handler {
        Verb verb;
        Task<> (Session::*run)(const Command& command);
    };
    static const std::array<Handler, 10> kHandlers;

    Maildrop open_inbox() {
        const auto inbox = context_.store.find("INBOX");
        inbox_ = inbox->id;
        return {inbox->uid_validity, context_.store.messages(inbox_)};
    }

    static std::expected<Command, std::string> understand(const net::Line& line) {
        switch (line.fault) {
            case net::Line::Fault::none:
                return wire::parse_command(line.text, wire::State::transaction);
            case net::Line::Fault::too_long:
                return std::unexpected("the line is too long");
            case net::Line::Fault::bare_lf:
            case net::Line::Fault::bare_cr:
                return std::unexpected("a line ends with CR LF, both; your client sent only one");
        }
        std::unreachable();
    }

    // Our own failures: the client may try again, and the log says what it was.
    Task<> obey(const Command& command) {
        const auto handler = std::ranges::find(kHandlers, command.verb, &Handler::verb);
        std::string failure;
        try {
            co_await (this->*handler->run)(command);
        } catch (const spool::DiskError& error) {
            failure = error.what();
        } catch (const spool::DatabaseError& error) {
            failure = error.what();
        }
        if (failure.empty()) co_return;
        context_.log.error("pop3: user=<{}>: {}", context_.user, failure);
        if (in_text_) throw net::IoError(failure);  // cut off: an error would read as the message
        client_.put(wire::error("[SYS/TEMP] the mailbox cannot be read or written just now"));
    }

    Task<> flush() {
        client_.deadline(context_.config.limits.idle);
        co_await client_.flush();
    }

    std::string summary() const {
        return fmt::format("{} message{}, {} octets", maildrop_.count(),
                           maildrop_.count() == 1 ? "" : "s", maildrop_.size());
    }

    // The message that a command names; answers for it if there is none.
    Maildrop::Message* named(const Command& command) {
        const auto message = maildrop_.find(*command.message);
        if (message) return *message;
        client_.put(wire::error(message.error()));
        return nullptr;
    }

    // Its bytes; answers if it has gone meanwhile or is damaged.
    std::optional<spool::StoredMessage> open(const Maildrop::Message& message) {
        if (!context_.store.message(inbox_, message.row.uid)) {
            client_.put(wire::error("another session has deleted that message"));
            return std::nullopt;
        }
        auto stored = context_.store.open(message.row.content);
        if (stored) return std::move(*stored);
        context_.log.error("pop3: user=<{}> uid={}: {}", context_.user, message.row.uid,
                           stored.error());
        client_.put(wire::error("[SYS/PERM] that message is damaged on disk"));
        return std::nullopt;
    }

    // LIST and UIDL: one line for one message, or all.
    template <class Line>
    void listing(const Command& command, std::string_view heading, Line line_of) {
        if (command.message) {
            if (const auto* message = named(command))
                client_.put(wire::ok(fmt::format("{} {}", *command.message, line_of(*message))));
            return;
        }
        client_.put(wire::ok(heading));
        std::size_t number = 0;
        for (const auto& message : maildrop_.all()) {
            ++number;
            if (!message.deleted) client_.put(fmt::format("{} {}\r\n", number, line_of(message)));
        }
        client_.put(".\r\n");
    }

    Task<> stat(const Command&) {
        client_.put(wire::ok(fmt::format("{} {}", maildrop_.count(), maildrop_.size())));
        co_return;
    }

    Task<> list(const Command& command) {
        listing(command, summary(), [](const auto& message) { return message.row.size; });
        co_return;
    }

    Task<> uidl(const Command& command) {
        listing(command, "unique ids follow",
                [this](const auto& message) { return maildrop_.unique_id(message); });
        co_return;
    }

    Task<> retr(const Command& command) {
        auto* message = named(command);
        if (message == nullptr) co_return;
        const auto stored = open(*message);
        if (!stored) co_return;
        client_.put(wire::ok(fmt::format("{} octets", message->row.size)));
        in_text_ = true;
        wire::Multiline lines;
        for (std::uint64_t at = 0; at < stored->size(); at += kPieceSize) {
            send(stored->read(at, kPieceSize), lines);
            co_await flush();
        }
        end(lines);
        message->retrieved = true;
    }

    Task<> top(const Command& command) {
        const auto* message = named(command);
        if (message == nullptr) co_return;
        const auto stored = open(*message);
        if (!stored) co_return;
        client_.put(wire::ok(fmt::format("the header and {} lines", command.lines)));
        in_text_ = true;
        wire::Multiline lines;
        wire::TopCounter counter(command.lines);
        for (std::uint64_t at = 0; at < stored->size() && !counter.done(); at += kPieceSize) {
            const std::string piece = stored->read(at, kPieceSize);
            send(std::string_view(piece).substr(0, counter.take(piece)), lines);
            co_await flush();
        }
        end(lines);
    }

    void send(std::string_view piece, wire::Multiline& lines) {
        std::string out;
        out.reserve(piece.size() + piece.size() / 32);
        lines.put(piece, out);
        client_.put(out);
    }
    void end(wire::Multiline& lines) {
        std::string out;
        lines.end(out);
        client_.put(out);
        in_text_ = false;
    }

    Task<> dele(const Command& command) {
        if (auto* message = named(command)) {
            maildrop_.remove(*message);
            client_.put(wire::ok(fmt::format("message {} goes when you QUIT", *command.message)));
        }
        co_return;
    }

    Task<> rset(const Command&) {
        maildrop_.restore_all();
        client_.put(wire::ok(summary()));
        co_return;
    }

    Task<> noop(const Command&) {
        client_.put(wire::ok("done"));
        co_return;
    }

    Task<> capa(const Command&) {
        const auto peer = net::Address::parse(context_.peer, 0);
        client_.put(
            wire::capabilities({.state = wire::State::transaction,
                                .secured = context_.secured,
                                .tls_offered = true,
                                .login_permitted = context_.secured || !peer || peer->loopback()}));
        co_return;
    }

    // RFC 1939, 6: the UPDATE state. The answer comes after the deletions are on disk.
    Task<> quit(const Command&) {
        over_ = true;
        const auto deleted = maildrop_.uids_deleted();
        const auto read = maildrop_.uids_read();
        if (!read.empty())
            context_.store.change_flags(inbox_, read, spool::FlagChange::add, spool::kSeen, {});
        if (!deleted.empty()) context_.store.expunge(inbox_, deleted);
        context_.log.info("pop3: user=<{}>, rip={}: quit, {} deleted, {} left", context_.user,
                          context_.peer, deleted.size(), maildrop_.count());
        client_.put(wire::ok(fmt::format("bye, {} left", summary())));
        co_return;
    }

    SessionContext& context_;
    net::Stream& client_;
    std::int64_t inbox_ = 0;
    Maildrop maildrop_;
    bool waiting_ = false;
    bool in_text_ = false;  // a message's bytes are on their way, their end is not
    bool over_ = false;
};

const std::array<Session::Handler, 10> Session::kHandlers{{
    {Verb::stat, &Session::stat},
    {Verb::list, &Session::list},
    {Verb::uidl, &Session::uidl},
    {Verb::retr, &Session::retr},
    {Verb::top, &Session::top},
    {Verb::dele, &Session::dele},
    {Verb::rset, &Session::rset},
    {Verb::noop, &Session::noop},
    {Verb::capa, &Session::capa},
    {Verb::quit, &Session::quit},
}};

}  // namespace

async::Task<> serve(SessionContext& context) {
    std::string ended;
    std::optional<Session> session;
    try {
        session.emplace(context);
        co_await session->serve();
    } catch (const async::TimedOut&) {
        ended = "silent for too long";  // RFC 1939, 3: closed without a word
    } catch (const net::IoError& error) {
        ended = error.what();
    } catch (const async::Stopped&) {
        if (session && session->waiting())
            context.client->farewell(wire::error("[SYS/TEMP] the server is going down"));
        throw;
    } catch (const std::runtime_error& error) {  // the mailbox could not be opened
        context.log.error("pop3: user=<{}>: {}", context.user, error.what());
        context.client->farewell(wire::error("[SYS/TEMP] the mailbox cannot be read just now"));
    }
    if (!ended.empty())
        context.log.info("pop3: user=<{}>, rip={}: disconnected, nothing deleted ({})",
                         context.user, context.peer, ended);
}

}  // namespace veredus::mailboxd::pop3
