#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

#include "common/mailq/mailq.h"

namespace veredus::mailq {
namespace {

constexpr std::string_view kHeading =
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
constexpr std::size_t kIdWidth = 14;
constexpr std::size_t kRecipientColumn = 42;  // below -Sender/Recipient-
constexpr std::size_t kReasonEnd = 76;        // reasons end here, if they are not longer

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

void add_reason(std::string_view reason, std::string& text) {
    text.append(reason.size() < kReasonEnd ? kReasonEnd - reason.size() : 0, ' ');
    text.append("(").append(reason).append(")\n");
}

}  // namespace

// Many messages arrive in the same second.
std::string_view ArrivalTimes::text(std::int64_t at) {
    if (at != at_ || text_.empty()) {
        at_ = at;
        text_ = time_text(at);
    }
    return text_;
}

void Table::row(const Message& message, std::string& text) {
    text += messages_ == 0 ? kHeading : "\n";
    ++messages_;
    bytes_ += message.message_size;
    const std::size_t begin = text.size();
    text.append(message.queue_id).append(mark_of(message));
    text.append(kIdWidth - std::min(kIdWidth, text.size() - begin), ' ');
    fmt::format_to(std::back_inserter(text), " {:>5} {:<20} {}\n", message.message_size,
                   times_.text(message.arrival_time), message.sender);
    if (!message.reason.empty()) add_reason(message.reason, text);
    std::string_view last_reason;
    for (const auto& recipient : message.recipients) {
        const std::string_view reason = recipient.delay_reason;
        if (!reason.empty() && reason != last_reason) add_reason(reason, text);
        last_reason = reason;
        text.append(kRecipientColumn, ' ').append(recipient.address).append("\n");
    }
}

std::string Table::end() const {
    if (messages_ == 0) return "Mail queue is empty\n";
    return fmt::format("\n-- {} Kbytes in {} Request{}.\n", (bytes_ + 1023) / 1024, messages_,
                       messages_ == 1 ? "" : "s");
}

}  // namespace veredus::mailq
