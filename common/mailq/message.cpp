#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/mail/delivery_status.h"
#include "common/mail/json.h"
#include "common/mailq/mailq.h"

namespace veredus::mailq {
namespace {

using ipc::admin::Row;
using ipc::admin::RowRecipient;

std::string queue_name(const Row& row) {
    if (row.state == "hold" || row.state == "damaged") return "hold";
    if (row.state == "active") return "active";
    const bool tried = std::ranges::any_of(row.recipients, [](const RowRecipient& recipient) {
        return !recipient.finished && (recipient.attempts > 0 || !recipient.last_reply.empty());
    });
    return tried ? "deferred" : "incoming";
}

}  // namespace

std::string delay_reason(const RowRecipient& recipient) {
    if (!recipient.paused.empty()) return recipient.paused;
    if (recipient.last_reply.empty()) return "";
    // Words of ours name the host themselves.
    if (recipient.last_remote.empty() || !mail::is_reply(recipient.last_reply))
        return recipient.last_reply;
    return fmt::format("host {} said: {}", recipient.last_remote, recipient.last_reply);
}

Message message_of(Row row) {
    Message message{.queue_name = queue_name(row),
                    .queue_id = row.id.text(),
                    .arrival_time = row.arrived_us / 1'000'000,
                    .message_size = row.size,
                    .sender = row.sender.empty() ? "MAILER-DAEMON" : std::move(row.sender),
                    .recipients = {},
                    .message_id = std::move(row.message_id),
                    .reason = std::move(row.reason)};
    for (RowRecipient& recipient : row.recipients) {
        if (recipient.finished) continue;
        message.recipients.push_back({std::move(recipient.address), delay_reason(recipient)});
        message.attempts = std::max(message.attempts, recipient.attempts);
        const std::int64_t next =
            recipient.paused.empty() ? recipient.next_attempt_us / 1'000'000 : 0;
        if (next > 0 && (message.next_attempt == 0 || next < message.next_attempt))
            message.next_attempt = next;
        if (!recipient.last_reply.empty()) message.last_reply = std::move(recipient.last_reply);
    }
    return message;
}

// By hand: a list may have a million of them, and building each as a tree took most of its time.
std::string to_json(const Message& message) {
    std::string line;
    const auto key = [&](std::string_view name) {
        line.append(line.empty() ? "{\"" : ",\"").append(name).append("\":");
    };
    const auto text = [&](std::string_view name, std::string_view value) {
        key(name);
        mail::append_json_string(value, line);
    };
    const auto number = [&](std::string_view name, auto value) {
        key(name);
        fmt::format_to(std::back_inserter(line), "{}", value);
    };
    text("queue_name", message.queue_name);
    text("queue_id", message.queue_id);
    number("arrival_time", message.arrival_time);
    number("message_size", message.message_size);
    number("forced_expire", false);
    text("sender", message.sender);
    key("recipients");
    line += '[';
    for (const auto& recipient : message.recipients) {
        line += line.back() == '[' ? "{\"address\":" : ",{\"address\":";
        mail::append_json_string(recipient.address, line);
        if (!recipient.delay_reason.empty()) text("delay_reason", recipient.delay_reason);
        line += '}';
    }
    line += ']';
    number("next_attempt", message.next_attempt);
    number("attempts", message.attempts);
    text("last_reply", message.last_reply);
    text("message_id", message.message_id);
    text("reason", message.reason);
    line += '}';
    return line;
}

}  // namespace veredus::mailq
