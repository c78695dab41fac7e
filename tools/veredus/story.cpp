#include "tools/veredus/story.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "common/log/log.h"
#include "common/mailq/mailq.h"

namespace veredus {
namespace {

using namespace ipc::admin;

std::string time_text(std::int64_t at_us) {
    const std::time_t seconds = at_us / 1'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string line(std::string_view name, std::string_view value) {
    return value.empty() ? "" : fmt::format("  {:<11} {}\n", name, log::printable(value));
}

std::string event_line(const RowEvent& event) {
    std::string text = fmt::format("  {} ", time_text(event.at_us));
    if (!event.address.empty()) text += fmt::format(" <{}>", event.address);
    text += " " + event.state;
    if (!event.status.empty()) text += " " + event.status;
    if (!event.remote.empty()) text += " by " + event.remote;
    if (!event.reply.empty()) text += ": " + event.reply;
    return log::printable(text) + "\n";
}

}  // namespace

std::string story(const Row& row) {
    std::string text = fmt::format("{} {}\n", row.id.text(), row.state);
    text += line("reason", row.reason);
    text += line("from", fmt::format("<{}>", row.sender));
    text += line("message id", row.message_id);
    text += line("size", fmt::format("{} bytes", row.size));
    text += line("received", fmt::format("{} from {}", time_text(row.arrived_us), row.client));
    text += line("user", row.user);
    for (const RowRecipient& recipient : row.recipients) {
        text +=
            line("to", fmt::format("<{}> {}, tried {} time{}", recipient.address, recipient.state,
                                   recipient.attempts, recipient.attempts == 1 ? "" : "s"));
        if (!mailq::is_waiting(recipient)) continue;
        text += line("", mailq::delay_reason(recipient));
        if (recipient.next_attempt_us > 0)
            text += line("", "next attempt at " + time_text(recipient.next_attempt_us));
    }
    for (const RowEvent& event : row.history)
        text += event_line(event);
    return text;
}

}  // namespace veredus
