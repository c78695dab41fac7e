// CREATE (RFC 3501 section 6.3.3) with USE (RFC 6154 section 3).
#include <algorithm>
#include <array>
#include <string>

#include "common/imap/chars.h"
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

namespace {

// \All and \Flagged would be views of other mailboxes' messages, which we have not.
constexpr std::array<std::string_view, 5> kUses{"\\Archive", "\\Drafts", "\\Junk", "\\Sent",
                                                "\\Trash"};

// The special use asked for, empty if none; or why it cannot be had.
std::expected<std::string, wire::Answer> special_use(Engine& engine,
                                                     const wire::CreateArguments& arguments) {
    if (arguments.uses.empty()) return std::string();
    const auto* use = std::ranges::find_if(kUses, [&](std::string_view known) {
        return wire::equals_ignoring_case(known, arguments.uses.front());
    });
    if (use == kUses.end() || arguments.uses.size() > 1) {
        return std::unexpected(
            wire::no("A mailbox has one use of \\Archive, \\Drafts, \\Junk, \\Sent and \\Trash",
                     wire::Code::kUseAttr));
    }
    const bool taken = std::ranges::any_of(
        engine.store.mailboxes(), [&](const auto& mailbox) { return mailbox.special_use == *use; });
    if (taken) {
        return std::unexpected(
            wire::no("Another mailbox has that use already", wire::Code::kUseAttr));
    }
    return std::string(*use);
}

}  // namespace

async::Task<wire::Answer> cmd_create(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::CreateArguments>(command.arguments);
    // A delimiter at the end says that mailboxes below will follow; it is no part of the name.
    std::string_view wire_name = arguments.mailbox;
    if (wire_name.ends_with(wire::kHierarchyDelimiter)) wire_name.remove_suffix(1);
    wire::NameError error{};
    const auto name = wire::mailbox_name(wire_name, error);
    if (!name) co_return wire::no(std::string(describe(error)), wire::Code::kCannot);

    const auto use = special_use(engine, arguments);
    if (!use) co_return use.error();
    const auto created = engine.store.create(name->utf8, *use);
    if (!created) co_return answer_of(created.error(), "CREATE");
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
