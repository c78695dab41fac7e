#include <fmt/format.h>
#include <sysexits.h>

#include "common/mailq/mailq.h"
#include "tools/sendmail/modes.h"
#include "tools/sendmail/submission.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"

namespace veredus::sendmail {

// mailq, -bp: submitd answers XQUEUE with a line of JSON for each message, then their number.
int list_queue(const Flags& flags) {
    Submission submission(submission_path(flags.instance), flags.verbose);
    const Reply reply = submission.command("XQUEUE");
    if (!reply.good()) throw Failure(reply.exit_status(), reply.text());
    mailq::Table table;
    for (const std::string& line : reply.lines)
        if (const auto message = mailq::from_json(line)) fmt::print("{}", table.row(*message));
    fmt::print("{}", table.end());
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
