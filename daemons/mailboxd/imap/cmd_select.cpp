// SELECT, EXAMINE (RFC 3501 sections 6.3.1, 6.3.2), CLOSE (6.4.2), UNSELECT (RFC 3691).
#include <utility>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

wire::Answer open_view(Engine& engine, const wire::Command& command, bool read_only) {
    // Even a SELECT that fails leaves the mailbox that was selected.
    engine.deselect();
    auto mailbox = engine.selectable(std::get<wire::MailboxArgument>(command.arguments).mailbox);
    if (!mailbox) return mailbox.error();
    engine.view =
        std::make_unique<View>(engine.context.loop, engine.store, std::move(*mailbox), read_only);
    engine.put(engine.view->opening());
    return read_only ? wire::ok(completed(command), wire::Code::kReadOnly)
                     : wire::ok(completed(command), wire::Code::kReadWrite);
}

}  // namespace

Task<wire::Answer> cmd_select(Engine& engine, const wire::Command& command) {
    co_return open_view(engine, command, false);
}

Task<wire::Answer> cmd_examine(Engine& engine, const wire::Command& command) {
    co_return open_view(engine, command, true);
}

// Expunges what the client knows to be deleted, and tells nothing of it.
Task<wire::Answer> cmd_close(Engine& engine, const wire::Command& command) {
    if (!engine.view->read_only()) {
        engine.view->tell_changes(View::Expunges::kHold, false);
        const auto uids = engine.view->deleted(nullptr);
        if (!uids.empty()) engine.store.expunge(engine.view->mailbox(), uids);
    }
    engine.deselect();
    co_return wire::ok(completed(command));
}

Task<wire::Answer> cmd_unselect(Engine& engine, const wire::Command& command) {
    engine.deselect();
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
