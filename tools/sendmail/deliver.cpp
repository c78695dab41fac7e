#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <utility>

#include "common/smtp/xtext.h"
#include "tools/sendmail/identity.h"
#include "tools/sendmail/message.h"
#include "tools/sendmail/modes.h"
#include "tools/sendmail/submission.h"
#include "tools/shared/failure.h"

namespace veredus::sendmail {
namespace {

void need(const Reply& reply, const std::string& about = "") {
    if (reply.good()) return;
    throw Failure(reply.exit_status(),
                  about.empty() ? reply.text() : fmt::format("<{}>: {}", about, reply.text()));
}

std::string mail_command(const Flags& flags, std::size_t size, bool eight_bit,
                         const Submission& submission) {
    std::string command = fmt::format("MAIL FROM:<{}>", sender_of(flags));
    if (submission.offers("SIZE")) command += fmt::format(" SIZE={}", size);
    if (submission.offers("8BITMIME") && eight_bit) command += " BODY=8BITMIME";
    if (submission.offers("DSN") && !flags.ret.empty()) command += " RET=" + flags.ret;
    if (submission.offers("DSN") && !flags.envelope_id.empty())
        command += " ENVID=" + smtp::xtext_encode(flags.envelope_id);
    return command;
}

std::string notify_parameter(const Flags& flags, const Submission& submission) {
    if (flags.notify.empty() || !submission.offers("DSN")) return "";
    return " NOTIFY=" + flags.notify;
}

// Without angle brackets; they and bare line ends would end the command.
const std::string& harmless(const std::string& address) {
    if (address.find_first_of("\r\n<>") == std::string::npos) return address;
    throw Failure(EX_NOUSER, fmt::format("\"{}\" is no address", address));
}

// RFC 5321 4.5.2: a dot more before each line that begins with one.
std::string with_dots(std::string_view text) {
    std::string result;
    result.reserve(text.size() + 64);
    while (!text.empty()) {
        if (text.starts_with('.')) result += '.';
        const auto end = text.find("\r\n") + 2;
        result += text.substr(0, end);
        text.remove_prefix(end);
    }
    return result;
}

std::vector<std::string> recipients_of(const Flags& flags, const Draft& draft) {
    std::vector<std::string> recipients = flags.recipients;
    if (flags.recipients_from_header) recipients = recipients_in(draft, std::move(recipients));
    if (recipients.empty()) throw Failure(EX_DATAERR, "no recipient: To, Cc and Bcc name none");
    return recipients;
}

}  // namespace

// All recipients or none: whoever is told of a failure may send again to all.
int deliver(const Flags& flags) {
    if (flags.recipients.empty() && !flags.recipients_from_header)
        throw Failure(EX_USAGE, "no recipient: name them on the command line, or use -t");
    Input input(STDIN_FILENO, !flags.dot_is_text);
    const Draft draft = read_draft(input);
    const std::vector<std::string> recipients = recipients_of(flags, draft);
    static_cast<void>(harmless(sender_of(flags)));
    Submission submission(submission_path(flags.instance), flags.verbose);
    const std::string header = final_header(draft, from_of(flags, submission.host())) + "\r\n";
    const std::size_t size = header.size() + draft.body.size();
    need(submission.command(mail_command(flags, size, draft.eight_bit, submission)));
    for (const std::string& recipient : recipients)
        need(submission.command(fmt::format("RCPT TO:<{}>{}", harmless(recipient),
                                            notify_parameter(flags, submission))),
             recipient);
    need(submission.command("DATA"));
    submission.write(header);
    submission.write(with_dots(draft.body));
    submission.write(".\r\n");
    need(submission.read_reply());
    submission.quit();
    return EX_OK;
}

// -bv: says of each recipient whether it would be taken; the status is of the first that is not.
int verify(const Flags& flags) {
    if (flags.recipients.empty()) throw Failure(EX_USAGE, "-bv: no recipient to verify");
    Submission submission(submission_path(flags.instance), flags.verbose);
    need(submission.command(fmt::format("MAIL FROM:<{}>", harmless(sender_of(flags)))));
    int status = EX_OK;
    for (const std::string& recipient : flags.recipients) {
        const Reply reply = submission.command(fmt::format("RCPT TO:<{}>", harmless(recipient)));
        fmt::print("{}... {}\n", recipient, reply.good() ? "deliverable" : reply.text());
        if (status == EX_OK) status = reply.exit_status();
    }
    submission.quit();
    return status;
}

}  // namespace veredus::sendmail
