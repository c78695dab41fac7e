#include "daemons/queued/suspensions.h"
#include "common/mail/address.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/mail/header.h"

namespace veredus::queued {
namespace {

constexpr unsigned kFailuresToRest = 3;
constexpr std::size_t kMostRemembered = 10'000;

bool is_sender(const std::string& name, const spool::Envelope& envelope) {
    const auto path = mail::ascii_lower(envelope.reverse_path);
    if (name.empty()) return path.empty();
    return path == name || mail::ascii_lower(envelope.client.auth_user) == name ||
           (!path.empty() && mail::domain_of(path) == name);
}

bool meant_by(const mail::Pause& pause, const Assignment& task, const spool::Recipient& to) {
    if (pause.of == mail::PauseOf::sender) return is_sender(pause.name, *task.envelope);
    return to.destination == pause.name || mail::ascii_lower(task.next_hop) == pause.name;
}

ipc::work::Outcome put_off(std::uint32_t recipient, std::string status, std::string reply) {
    ipc::work::Outcome outcome;
    outcome.recipient = recipient;
    outcome.result = ipc::work::Result::deferred;
    outcome.status = std::move(status);
    outcome.reply = std::move(reply);
    return outcome;
}

}  // namespace

std::string text_of(const mail::Pause& pause) {
    if (pause.of == mail::PauseOf::destination)
        return fmt::format("mail to {}{}", pause.name, mail::kIsPaused);
    return fmt::format("mail from {}{}", pause.name.empty() ? "<>" : pause.name, mail::kIsPaused);
}

std::optional<ipc::work::Outcome> Suspensions::of(const Assignment& task,
                                                  const spool::Recipient& recipient,
                                                  std::int64_t now_us) const {
    const auto pause = std::ranges::find_if(
        pauses_, [&](const auto& one) { return meant_by(one, task, recipient); });
    // RFC 3463 3.4: X.3.2, the system is not accepting messages.
    if (pause != pauses_.end()) return put_off(recipient.number, "4.3.2", text_of(*pause));
    const auto rest = rests_.find(task.next_hop);
    if (rest == rests_.end() || now_us >= rest->second.until_us) return std::nullopt;
    return put_off(recipient.number, rest->second.status,
                   "not tried, for others could not be delivered there: " + rest->second.reply);
}

bool Suspensions::not_reached(const std::string& next_hop, const spool::Outcome& why,
                              std::int64_t until_us) {
    if (rests_.size() >= kMostRemembered && !rests_.contains(next_hop))
        rests_.erase(rests_.begin());
    auto& rest = rests_[next_hop];
    rest.status = why.status;
    rest.reply = why.reply;
    if (++rest.failures < kFailuresToRest) return false;
    rest.until_us = until_us;
    return rest.failures == kFailuresToRest;
}

}  // namespace veredus::queued
