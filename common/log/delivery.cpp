#include "common/log/delivery.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace veredus::log {
namespace {

constexpr std::array<std::string_view, 3> kStatusNames{"sent", "deferred", "bounced"};

// Seconds with two significant digits, as Postfix writes them: 0.04, 1.2, 130; never 1.20 or 0.0.
std::string seconds_text(std::chrono::milliseconds time) {
    const double seconds = static_cast<double>(std::max<std::int64_t>(time.count(), 0)) / 1000;
    std::string text = fmt::format("{:.{}f}", seconds,
                                   seconds >= 9.95    ? 0
                                   : seconds >= 0.995 ? 1
                                                      : 2);
    if (text.find('.') == std::string::npos) return text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

}  // namespace

std::string delivery_text(const Delivery& delivery) {
    const std::string original =
        delivery.orig_to.empty() ? "" : fmt::format(" orig_to=<{}>,", delivery.orig_to);
    const auto& delays = delivery.delays;
    return fmt::format("to=<{}>,{} relay={}, delay={}, delays={}/{}/{}/{}, dsn={}, status={} ({})",
                       delivery.to, original, delivery.relay, seconds_text(delivery.delay),
                       seconds_text(delays[0]), seconds_text(delays[1]), seconds_text(delays[2]),
                       seconds_text(delays[3]), delivery.dsn,
                       kStatusNames[static_cast<std::size_t>(delivery.status)], delivery.text);
}

void log_delivery(Log& log, const Delivery& delivery) {
    log.message(delivery.queue_id, "{}", delivery_text(delivery));
}

void log_rejection(Log& log, const Rejection& rejection) {
    const std::string_view id = rejection.queue_id.empty() ? "NOQUEUE" : rejection.queue_id;
    const std::string helo =
        rejection.helo.empty() ? "" : fmt::format(" helo=<{}>", rejection.helo);
    log.message(id, "reject: {} from {}: {}; from=<{}> to=<{}> proto={}{}", rejection.command,
                rejection.client, rejection.reply, rejection.from, rejection.to, rejection.protocol,
                helo);
}

}  // namespace veredus::log
