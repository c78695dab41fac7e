// CAPABILITY, NOOP, LOGOUT (RFC 3501 section 6.1), ID (RFC 2971), NAMESPACE (RFC 2342), ENABLE
// (RFC 5161) and CHECK: what says or does nothing of a message.
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

Task<wire::Answer> cmd_capability(Engine& engine, const wire::Command& command) {
    engine.put("* CAPABILITY " + wire::capabilities_after_login() + "\r\n");
    co_return wire::ok(completed(command));
}

Task<wire::Answer> cmd_noop(Engine&, const wire::Command& command) {
    co_return wire::ok(completed(command));
}

// Whatever was answered OK is on disk already.
Task<wire::Answer> cmd_check(Engine&, const wire::Command& command) {
    co_return wire::ok(completed(command));
}

Task<wire::Answer> cmd_logout(Engine& engine, const wire::Command& command) {
    engine.put_status(wire::kUntagged, wire::bye("Logging out"));
    engine.over = true;
    co_return wire::ok(completed(command));
}

Task<wire::Answer> cmd_id(Engine& engine, const wire::Command& command) {
    engine.put("* ID (\"name\" \"Veredus\")\r\n");
    co_return wire::ok(completed(command));
}

Task<wire::Answer> cmd_namespace(Engine& engine, const wire::Command& command) {
    engine.put("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    co_return wire::ok(completed(command));
}

// No extension here needs enabling; what is unknown is passed over.
Task<wire::Answer> cmd_enable(Engine& engine, const wire::Command& command) {
    engine.put("* ENABLED\r\n");
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
