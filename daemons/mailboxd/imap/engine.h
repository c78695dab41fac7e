#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/async/task.h"
#include "common/imap/command_reader.h"
#include "common/imap/commands.h"
#include "common/mail/mime.h"
#include "daemons/mailboxd/imap/view.h"
#include "daemons/mailboxd/imap/wire.h"
#include "daemons/mailboxd/session.h"

namespace veredus::mailboxd::imap {

// A message whose bytes are being looked at, kept from one FETCH to the next: clients fetch large
// ones in pieces, and opening one reads it whole to check its digest.
struct OpenMessage {
    std::int64_t content = 0;
    spool::StoredMessage stored;
    std::optional<mail::Part> root;  // once a part was asked for
};

// What the commands of one session share.
class Engine {
  public:
    explicit Engine(SessionContext& context)
        : context(context), store(context.store), client(*context.client) {}

    SessionContext& context;
    spool::MailboxStore& store;
    net::Stream& client;
    std::unique_ptr<View> view;       // of the selected mailbox
    std::optional<OpenMessage> open;  // the one looked at last
    bool over = false;                // LOGOUT, or no way to go on
    bool in_literal = false;          // octets promised in an answer are on their way
    bool idling = false;              // IDLE waits for its end; nothing of an answer is under way

    wire::State state() const {
        return view ? wire::State::kSelected : wire::State::kAuthenticated;
    }
    void put(std::string_view text) { client.put(text); }
    void put_status(std::string_view tag, const wire::Answer& answer) {
        client.put(wire::status_line(tag, answer));
    }
    // Sends once so much has gathered that memory should not hold more.
    async::Task<> flush_if_full();
    async::Task<> flush();

    // Reads what `reader` needs, sending "+" where it is waited for. False if the client has gone
    // or must go.
    async::Task<bool> feed(wire::CommandReader& reader);

    // The mailbox that a client names, if messages may be in it. `missing` is the response code for
    // one that is not there.
    std::expected<spool::MailboxInfo, wire::Answer> selectable(
        std::string_view wire_name, wire::Code missing = wire::Code::kNonExistent);

    // The bytes of a message; the error is for the client, the log knows more.
    std::expected<OpenMessage*, wire::Answer> open_message(std::int64_t content);

    void deselect() {
        view.reset();
        open.reset();
    }
};

// What MailboxRefusal is in answers.
wire::Answer answer_of(spool::MailboxRefusal refusal, std::string_view what);

// "UID FETCH completed"
std::string completed(const wire::Command& command);

// A command: arguments, checks, act, answer. Untagged responses go to engine.put(); the answer is
// written by the session, after what has changed meanwhile.
using Handler = async::Task<wire::Answer> (*)(Engine& engine, const wire::Command& command);
Handler handler_of(wire::Verb verb);

async::Task<wire::Answer> cmd_append(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_capability(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_check(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_close(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_copy(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_create(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_delete(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_enable(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_examine(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_expunge(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_fetch(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_id(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_idle(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_list(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_logout(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_lsub(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_move(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_namespace(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_noop(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_rename(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_search(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_select(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_status(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_store(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_subscribe(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_unselect(Engine& engine, const wire::Command& command);
async::Task<wire::Answer> cmd_unsubscribe(Engine& engine, const wire::Command& command);

}  // namespace veredus::mailboxd::imap
