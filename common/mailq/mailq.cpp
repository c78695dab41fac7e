#include "common/mailq/mailq.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

namespace veredus::mailq {
namespace {

using ipc::admin::Row;
using ipc::admin::RowRecipient;

constexpr std::string_view kHeading =
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
constexpr std::size_t kRecipientColumn = 42;  // below -Sender/Recipient-
constexpr std::size_t kReasonEnd = 76;        // reasons end here, if they are not longer

std::string_view sender_of(const Row& row) {
    return row.sender.empty() ? "MAILER-DAEMON" : std::string_view(row.sender);
}

// "Mon Nov 23 10:00:00", in English whatever the locale.
std::string arrival_time(std::int64_t arrived_us) {
    constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = arrived_us / 1'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{} {} {:2} {:02}:{:02}:{:02}",
                       kDays.at(static_cast<std::size_t>(local.tm_wday)),
                       kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_mday,
                       local.tm_hour, local.tm_min, local.tm_sec);
}

std::string_view mark_of(const Row& row) {
    if (row.state == "hold" || row.state == "damaged") return "!";
    return row.state == "active" ? "*" : "";
}

// postqueue's name of the queue a message would be in.
std::string_view queue_name(const Row& row) {
    if (row.state == "hold" || row.state == "damaged") return "hold";
    if (row.state == "active") return "active";
    const bool tried = std::ranges::any_of(row.recipients, [](const RowRecipient& recipient) {
        return is_waiting(recipient) && recipient.attempts > 0;
    });
    return tried ? "deferred" : "incoming";
}

std::string reason_line(std::string_view reason) {
    const std::size_t padding = reason.size() < kReasonEnd ? kReasonEnd - reason.size() : 0;
    return fmt::format("{:{}}({})\n", "", padding, reason);
}

}  // namespace

bool is_waiting(const RowRecipient& recipient) {
    constexpr std::array<std::string_view, 3> kDone{"delivered", "failed", "expanded"};
    return std::ranges::find(kDone, recipient.state) == kDone.end();
}

std::string delay_reason(const RowRecipient& recipient) {
    if (recipient.attempts == 0 || recipient.last_reply.empty()) return "";
    if (recipient.last_remote.empty()) return recipient.last_reply;
    return fmt::format("host {} said: {}", recipient.last_remote, recipient.last_reply);
}

std::string Table::row(const Row& row) {
    std::string text(messages_ == 0 ? kHeading : "\n");
    ++messages_;
    bytes_ += row.size;
    const std::string id = row.id.text() + std::string(mark_of(row));
    text += fmt::format("{:<14} {:>5} {:<20} {}\n", id, row.size, arrival_time(row.arrived_us),
                        sender_of(row));
    if (!row.reason.empty()) text += reason_line(row.reason);
    std::string last_reason;
    for (const RowRecipient& recipient : row.recipients) {
        if (!is_waiting(recipient)) continue;
        const std::string reason = delay_reason(recipient);
        if (!reason.empty() && reason != last_reason) text += reason_line(reason);
        last_reason = reason;
        text += fmt::format("{:{}}{}\n", "", kRecipientColumn, recipient.address);
    }
    return text;
}

std::string Table::end() const {
    if (messages_ == 0) return "Mail queue is empty\n";
    return fmt::format("\n-- {} Kbytes in {} Request{}.\n", (bytes_ + 1023) / 1024, messages_,
                       messages_ == 1 ? "" : "s");
}

std::string json_line(const Row& row) {
    nlohmann::ordered_json message{{"queue_name", queue_name(row)},
                                   {"queue_id", row.id.text()},
                                   {"arrival_time", row.arrived_us / 1'000'000},
                                   {"message_size", row.size},
                                   {"forced_expire", false},
                                   {"sender", sender_of(row)}};
    auto recipients = nlohmann::ordered_json::array();
    for (const RowRecipient& recipient : row.recipients) {
        if (!is_waiting(recipient)) continue;
        nlohmann::ordered_json entry{{"address", recipient.address}};
        if (const std::string reason = delay_reason(recipient); !reason.empty())
            entry["delay_reason"] = reason;
        entry["state"] = recipient.state;
        entry["attempts"] = recipient.attempts;
        entry["next_attempt"] = recipient.next_attempt_us / 1'000'000;
        entry["last_reply"] = recipient.last_reply;
        recipients.push_back(std::move(entry));
    }
    message["recipients"] = std::move(recipients);
    message["message_id"] = row.message_id;
    message["expires"] = row.expires_us / 1'000'000;
    if (!row.reason.empty()) message["reason"] = row.reason;
    // What peers sent need not be UTF-8; JSON has to be.
    return message.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace veredus::mailq
