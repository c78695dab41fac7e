#include <fmt/format.h>
#include <sysexits.h>

#include <csignal>

#include "common/ipc/admin.h"
#include "common/ipc/wire.h"
#include "common/mailq/mailq.h"
#include "tools/sendmail/modes.h"
#include "tools/sendmail/submission.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"

namespace veredus::sendmail {

// mailq, -bp: submitd answers XQUEUE with what queued says, packet for packet.
int list_queue(const Flags& flags) {
    std::signal(SIGPIPE, SIG_DFL);  // `mailq | head` ends with head
    Submission submission(submission_path(flags.instance), flags.verbose);
    const Reply begun = submission.command("XQUEUE");
    if (!begun.good()) throw Failure(begun.exit_status(), begun.text());
    mailq::Table table;
    Output output;
    const AdminLink::TakeRow print = [&](ipc::admin::Row row) {
        table.row(mailq::message_of(std::move(row)), output.text());
        output.flush_when_large();
    };
    RowJoiner joiner(print);
    std::string packet;
    while (submission.read_packet(packet)) {
        for (auto& answer : ipc::decode<ipc::admin::Answer>(packet)) {
            auto* rows = std::get_if<ipc::admin::Rows>(&answer);
            if (rows == nullptr) continue;
            for (auto& row : rows->rows)
                joiner.add(std::move(row));
        }
    }
    const Reply ended = submission.read_reply();
    submission.quit();
    if (ended.good()) output.text() += table.end();
    output.flush();
    if (!ended.good()) throw Failure(ended.exit_status(), ended.text());
    return EX_OK;
}

// -q: an administrator's business.
int flush(const Flags& flags) {
    std::vector<std::string> filter{"all"};
    if (!flags.flush_id.empty()) filter = {flags.flush_id};
    if (!flags.flush_site.empty()) filter = {"domain=" + flags.flush_site};
    AdminLink(instance_paths(flags.instance)).act(ipc::admin::Verb::retry, parse_filter(filter));
    return EX_OK;
}

}  // namespace veredus::sendmail
