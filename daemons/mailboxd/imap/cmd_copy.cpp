// COPY (RFC 3501 section 6.4.7) and MOVE (RFC 6851), both with COPYUID (RFC 4315 section 3).
#include <fmt/format.h>

#include <string>
#include <vector>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

// Where to, and which messages.
struct Job {
    spool::MailboxInfo to;
    std::vector<std::uint32_t> uids;
};

std::expected<Job, wire::Answer> job_of(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::CopyArguments>(command.arguments);
    const auto places = engine.view->find(arguments.messages, command.spec->uid);
    if (!places) return std::unexpected(places.error());
    const auto to = engine.selectable(arguments.mailbox, wire::Code::kTryCreate);
    if (!to) return std::unexpected(to.error());
    return Job{*to, engine.view->uids(*places)};
}

std::string copy_uid(const spool::CopiedUids& copied) {
    return fmt::format("{} {} {}", copied.uid_validity, wire::set_text(copied.from),
                       wire::set_text(copied.to));
}

}  // namespace

Task<wire::Answer> cmd_copy(Engine& engine, const wire::Command& command) {
    const auto job = job_of(engine, command);
    if (!job) co_return job.error();
    if (job->uids.empty()) co_return wire::ok("No matching messages, so nothing copied");
    const auto copied = engine.store.copy(engine.view->mailbox(), job->uids, job->to.id);
    if (copied.from.empty()) {
        co_return wire::no("The messages have been expunged", wire::Code::kExpungeIssued);
    }
    co_return wire::ok(completed(command), wire::Code::kCopyUid, copy_uid(copied));
}

// The client learns the new UIDs before the old ones go (RFC 6851 section 4.3).
Task<wire::Answer> cmd_move(Engine& engine, const wire::Command& command) {
    if (engine.view->read_only()) {
        co_return wire::no("The mailbox is selected read-only", wire::Code::kReadOnly);
    }
    const auto job = job_of(engine, command);
    if (!job) co_return job.error();
    if (job->uids.empty()) co_return wire::ok("No matching messages, so nothing moved");
    const auto moved = engine.store.move(engine.view->mailbox(), job->uids, job->to.id);
    if (moved.from.empty()) {
        co_return wire::no("The messages have been expunged", wire::Code::kExpungeIssued);
    }
    engine.put_status(wire::kUntagged, wire::ok("Moved", wire::Code::kCopyUid, copy_uid(moved)));
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
