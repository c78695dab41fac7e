#include "daemons/queued/suspensions.h"

namespace veredus::queued {
namespace {

constexpr unsigned kFailuresToRest = 3;
constexpr std::size_t kMostRemembered = 10'000;

ipc::work::Outcome put_off(std::uint32_t recipient, std::string status, std::string reply) {
    ipc::work::Outcome outcome;
    outcome.recipient = recipient;
    outcome.result = ipc::work::Result::deferred;
    outcome.status = std::move(status);
    outcome.reply = std::move(reply);
    return outcome;
}

}  // namespace

std::optional<ipc::work::Outcome> Suspensions::of(const Assignment& task,
                                                  const spool::Recipient& recipient,
                                                  std::int64_t now_us) const {
    const auto* pause = pauses_.of_sender(*task.envelope);
    if (pause == nullptr) pause = pauses_.of_destination(recipient, task.next_hop);
    // RFC 3463 3.4: X.3.2, the system is not accepting messages.
    if (pause != nullptr) return put_off(recipient.number, "4.3.2", was_paused(*pause));
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
