#include <fmt/format.h>

#include <array>
#include <ctime>

#include "common/mailq/mailq.h"

namespace veredus::mailq {
namespace {

constexpr std::string_view kHeading =
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
constexpr std::size_t kRecipientColumn = 42;  // below -Sender/Recipient-
constexpr std::size_t kReasonEnd = 76;        // reasons end here, if they are not longer

// "Mon Nov 23 10:00:00", in English whatever the locale.
std::string time_text(std::int64_t at) {
    constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = at;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{} {} {:2} {:02}:{:02}:{:02}",
                       kDays.at(static_cast<std::size_t>(local.tm_wday)),
                       kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_mday,
                       local.tm_hour, local.tm_min, local.tm_sec);
}

std::string_view mark_of(const Message& message) {
    if (message.queue_name == "hold") return "!";
    return message.queue_name == "active" ? "*" : "";
}

std::string reason_line(std::string_view reason) {
    const std::size_t padding = reason.size() < kReasonEnd ? kReasonEnd - reason.size() : 0;
    return fmt::format("{:{}}({})\n", "", padding, reason);
}

}  // namespace

std::string Table::row(const Message& message) {
    std::string text(messages_ == 0 ? kHeading : "\n");
    ++messages_;
    bytes_ += message.message_size;
    const std::string id = fmt::format("{}{}", message.queue_id, mark_of(message));
    text += fmt::format("{:<14} {:>5} {:<20} {}\n", id, message.message_size,
                        time_text(message.arrival_time), message.sender);
    if (!message.reason.empty()) text += reason_line(message.reason);
    std::string_view last_reason;
    for (const auto& recipient : message.recipients) {
        const std::string_view reason = recipient.delay_reason;
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

}  // namespace veredus::mailq
