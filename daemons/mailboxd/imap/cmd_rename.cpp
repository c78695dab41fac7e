// RENAME (RFC 3501 section 6.3.5).
#include <string>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

async::Task<wire::Answer> cmd_rename(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::RenameArguments>(command.arguments);
    wire::NameError error{};
    const auto from = wire::mailbox_name(arguments.from, error);
    if (!from) co_return wire::no(std::string(describe(error)), wire::Code::kNonExistent);
    std::string_view wire_to = arguments.to;
    if (wire_to.ends_with(wire::kHierarchyDelimiter)) wire_to.remove_suffix(1);
    const auto to = wire::mailbox_name(wire_to, error);
    if (!to) co_return wire::no(std::string(describe(error)), wire::Code::kCannot);
    if (wire::is_inferior(to->utf8, from->utf8) && !from->is_inbox()) {
        co_return wire::no("A mailbox cannot be moved below itself", wire::Code::kCannot);
    }
    const auto renamed = engine.store.rename(from->utf8, to->utf8);
    if (!renamed) co_return answer_of(renamed.error(), "RENAME");
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
