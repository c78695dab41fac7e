// STATUS (RFC 3501 section 6.3.10).
#include <array>
#include <string>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

async::Task<wire::Answer> cmd_status(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::StatusArguments>(command.arguments);
    const auto mailbox = engine.selectable(arguments.mailbox);
    if (!mailbox) co_return mailbox.error();
    const auto status = engine.store.status(mailbox->id);
    // What is recent to this very session is so to nobody else any more.
    const bool selected = engine.view && engine.view->mailbox() == mailbox->id;
    const std::array<std::uint32_t, wire::kStatusItems.size()> values{
        status.messages, selected ? engine.view->recent() : status.recent, mailbox->uid_next,
        mailbox->uid_validity, status.unseen};

    std::string line = "* STATUS ";
    wire::put_astring(line, wire::to_modified_utf7(mailbox->name));
    line += " (";
    for (const auto item : arguments.items) {
        const auto place = static_cast<std::size_t>(item);
        if (line.back() != '(') line += ' ';
        line += wire::kStatusItems[place];
        line += ' ' + std::to_string(values[place]);
    }
    engine.put(line + ")\r\n");
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
