// SUBSCRIBE, UNSUBSCRIBE (RFC 3501 sections 6.3.6, 6.3.7).
#include <string>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

// A name need not exist to be subscribed to, so that one that comes and goes stays subscribed.
wire::Answer subscribe(Engine& engine, const wire::Command& command, bool subscribed) {
    const auto& arguments = std::get<wire::MailboxArgument>(command.arguments);
    std::string_view wire_name = arguments.mailbox;
    if (wire_name.ends_with(wire::kHierarchyDelimiter)) wire_name.remove_suffix(1);
    wire::NameError error{};
    const auto name = wire::mailbox_name(wire_name, error);
    if (!name) return wire::no(std::string(describe(error)), wire::Code::kCannot);
    engine.store.subscribe(name->utf8, subscribed);
    return wire::ok(completed(command));
}

}  // namespace

Task<wire::Answer> cmd_subscribe(Engine& engine, const wire::Command& command) {
    co_return subscribe(engine, command, true);
}

Task<wire::Answer> cmd_unsubscribe(Engine& engine, const wire::Command& command) {
    co_return subscribe(engine, command, false);
}

}  // namespace veredus::mailboxd::imap
