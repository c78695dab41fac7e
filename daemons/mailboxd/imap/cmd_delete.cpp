// DELETE (RFC 3501 section 6.3.4).
#include <string>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

// Other sessions that have it selected learn of it and are closed; this one has none selected then.
async::Task<wire::Answer> cmd_delete(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::MailboxArgument>(command.arguments);
    wire::NameError error{};
    const auto name = wire::mailbox_name(arguments.mailbox, error);
    if (!name) co_return wire::no(std::string(describe(error)), wire::Code::kNonExistent);
    const auto removed = engine.store.remove(name->utf8);
    if (!removed) co_return answer_of(removed.error(), "DELETE");
    if (engine.view && !engine.view->still_there()) engine.deselect();
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
