#include "daemons/mailboxd/imap/session.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "daemons/mailboxd/imap/engine.h"
#include "spool/disk/disk.h"
#include "spool/disk/sqlite.h"

// The server's promises, which every command keeps:
//   - EXPUNGE is told at the end of a command, and never of FETCH, STORE and SEARCH by number
//     (RFC 3501 section 7.4.1); in IDLE at once.
//   - A tagged OK comes after what it says is on disk.
//   - A literal that was announced is read to its end, or the connection is closed.
//   - An answer's literal has as many octets as it said, or the connection is closed.
namespace veredus::mailboxd::imap {

namespace {

using async::Task;

// RFC 3501 section 5.4: at least half an hour.
constexpr std::chrono::minutes kAutologoutMin(30);

constexpr std::string_view kUnavailable =
    "The mailbox cannot be read or written just now; try again later";

class Session {
  public:
    explicit Session(SessionContext& context) : engine_(context) {}

    Task<> serve() {
        engine_.put_status(engine_.context.tag,
                           wire::ok("Logged in as " + engine_.context.user, wire::Code::kCapability,
                                    wire::capabilities_after_login()));
        while (!engine_.over) {
            auto command = co_await read_command();
            if (!command) break;
            if (const auto* refusal = std::get_if<wire::Refusal>(&*command)) {
                engine_.put_status(refusal->tag, refusal->answer);
            } else {
                co_await obey(std::get<wire::Command>(*command));
            }
        }
        co_await engine_.flush();
        co_await engine_.client.shutdown();
    }

    // Nothing of an answer is under way.
    bool waiting() const { return waiting_ || engine_.idling; }

  private:
    using Read = std::variant<wire::Command, wire::Refusal>;

    // Nothing if the client has gone.
    Task<std::optional<Read>> read_command() {
        if (engine_.client.has_line()) {
            co_await engine_.flush_if_full();
        } else {
            co_await engine_.flush();
        }
        wire::CommandReader reader(wire::kLimitsAfterLogin, engine_.state());
        while (reader.need() != wire::CommandReader::Need::kNothing) {
            waiting_ = true;
            engine_.client.deadline(
                std::max<async::Duration>(kAutologoutMin, engine_.context.config.limits.idle));
            const bool fed = co_await engine_.feed(reader);
            waiting_ = false;
            if (!fed) co_return std::nullopt;
        }
        co_return reader.take();
    }

    // Our own failures: the client may try again, and the log says what it was.
    Task<> obey(const wire::Command& command) {
        std::string failure;
        wire::Answer answer;
        try {
            answer = co_await handler_of(command.spec->verb)(engine_, command);
            tell_changes(command);
        } catch (const spool::DiskError& error) {
            failure = error.what();
        } catch (const spool::DatabaseError& error) {
            failure = error.what();
        }
        if (!failure.empty()) {
            engine_.context.log.error("imap: user=<{}>: {}: {}", engine_.context.user,
                                      command.spec->name, failure);
            if (engine_.in_literal) throw net::IoError(failure);
            answer = wire::no(std::string(kUnavailable), wire::Code::kUnavailable);
        }
        engine_.put_status(command.tag, answer);
    }

    void tell_changes(const wire::Command& command) {
        if (!engine_.view || engine_.over) return;
        engine_.put(engine_.view->tell_changes(
            command.spec->by_number ? View::Expunges::kHold : View::Expunges::kTell,
            command.spec->uid));
        if (engine_.view->still_there()) return;
        engine_.put_status(wire::kUntagged, wire::bye("The selected mailbox has been deleted"));
        engine_.over = true;
    }

    Engine engine_;
    bool waiting_ = false;
};

}  // namespace

Task<> serve(SessionContext& context) {
    std::string ended = "logged out";
    Session session(context);
    try {
        co_await session.serve();
    } catch (const async::TimedOut&) {
        ended = "silent for too long";
        if (session.waiting()) {
            context.client->farewell(
                wire::status_line(wire::kUntagged, wire::bye("Autologout; idle for too long")));
        }
    } catch (const net::IoError& error) {
        ended = error.what();
    } catch (const async::Stopped&) {
        if (session.waiting()) {
            context.client->farewell(wire::status_line(
                wire::kUntagged, wire::bye("The server is going down", wire::Code::kUnavailable)));
        }
        throw;
    } catch (const std::runtime_error& error) {
        ended = error.what();
        context.log.error("imap: user=<{}>: {}", context.user, error.what());
    }
    context.log.info("imap: user=<{}>, rip={}: session over ({})", context.user, context.peer,
                     ended);
}

}  // namespace veredus::mailboxd::imap
