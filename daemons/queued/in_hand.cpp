#include "daemons/queued/in_hand.h"

#include <algorithm>

#include "daemons/queued/dispatcher.h"

namespace veredus::queued {

bool InHand::is_tried(mail::QueueId message, std::uint32_t recipient) const {
    return std::ranges::binary_search(tried, std::pair(message, recipient));
}

void InHand::settle(spool::Queued& message, bool with_history) const {
    const auto of_it =
        std::ranges::equal_range(failed, message.envelope.id, {}, &spool::Outcome::message);
    for (const auto& outcome : of_it) {
        const auto recipient =
            std::ranges::find(message.recipients, outcome.recipient, &spool::Recipient::number);
        // It may have come to the disk since this was asked.
        if (recipient == message.recipients.end() || !spool::unfinished(recipient->state)) continue;
        recipient->state = outcome.state;
        ++recipient->attempts;
        recipient->last_status = outcome.status;
        recipient->last_reply = outcome.reply;
        recipient->last_remote = outcome.remote;
        if (!with_history) continue;
        message.history.push_back({.message = outcome.message,
                                   .at_us = outcome.at_us,
                                   .recipient = outcome.recipient,
                                   .state = outcome.state,
                                   .address = recipient->address,
                                   .status = outcome.status,
                                   .reply = outcome.reply,
                                   .remote = outcome.remote,
                                   .tls = outcome.tls});
    }
}

InHand Dispatcher::in_hand(mail::QueueId after) const {
    InHand out;
    for (const auto* connection : connections_) {
        for (const auto& [number, given] : connection->jobs) {
            const auto message = given.task.envelope->id;
            if (message <= after) continue;
            for (const auto& recipient : given.task.recipients)
                out.tried.emplace_back(message, recipient.number);
        }
    }
    std::ranges::sort(out.tried);
    out.failed = failures_.outcomes(after);
    return out;
}

std::size_t Dispatcher::active_jobs() const {
    std::size_t count = 0;
    for (const auto* connection : connections_)
        count += connection->jobs.size();
    return count;
}

std::vector<mail::QueueId> Dispatcher::active_ids() const {
    std::vector<mail::QueueId> ids;
    for (const auto* connection : connections_)
        for (const auto& [number, given] : connection->jobs)
            ids.push_back(given.task.envelope->id);
    std::ranges::sort(ids);
    const auto again = std::ranges::unique(ids);
    ids.erase(again.begin(), again.end());
    return ids;
}

}  // namespace veredus::queued
