// EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1).
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

// The session tells of what has gone, with all other changes, before the tagged answer.
async::Task<wire::Answer> cmd_expunge(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::ExpungeArguments>(command.arguments);
    if (engine.view->read_only()) {
        co_return wire::no("The mailbox is selected read-only", wire::Code::kReadOnly);
    }
    engine.put(engine.view->tell_changes(View::Expunges::kHold, command.spec->uid));
    const auto uids = engine.view->deleted(arguments.uids ? &*arguments.uids : nullptr);
    if (!uids.empty()) engine.store.expunge(engine.view->mailbox(), uids);
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
