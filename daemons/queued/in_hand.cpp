#include "daemons/queued/in_hand.h"

#include <algorithm>

#include "daemons/queued/dispatcher.h"
#include "daemons/queued/router.h"

namespace veredus::queued {

bool InHand::is_tried(mail::QueueId message, std::uint32_t recipient) const {
    return std::ranges::binary_search(tried, std::pair(message, recipient));
}

std::string InHand::paused(const spool::Envelope& envelope) const {
    if (!config) return {};
    if (config->queue.paused) return "all mail is paused by the setting queue.paused";
    const auto* pause = pauses.of_sender(envelope);
    return pause == nullptr ? std::string() : now_paused(*pause);
}

std::string InHand::paused(const spool::Recipient& recipient) const {
    if (!config) return {};
    const auto* pause =
        pauses.of_destination(recipient, route_for(*config, recipient.destination).next_hop);
    return pause == nullptr ? std::string() : now_paused(*pause);
}

ipc::admin::Turn InHand::turn(const spool::Recipient& recipient) const {
    if (with_turns == Turns::kNot) return {};
    const auto route = route_for(*config, recipient.destination);
    const auto found = turns.find({route.worker, route.next_hop});
    auto turn = found == turns.end() ? ipc::admin::Turn() : found->second;
    turn.next_hop = config::NextHop::shown(route.next_hop);
    if (std::ranges::find(away, route.worker) != away.end()) turn.away = name_of(route.worker);
    return turn;
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

InHand Dispatcher::in_hand(mail::QueueId after, InHand::Turns turns) const {
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
    out.pauses = pauses();
    out.with_turns = turns;
    const bool also = turns == InHand::Turns::kAlso;
    if (also || !pauses().all().empty() || env_.config.queue.paused) out.config = env_.config;
    if (!also) return out;
    const auto now = env_.loop.clock().now();
    for (auto& place : scheduler_.busy()) {
        const auto pause = std::max(place.not_before - now, async::Time::duration::zero());
        out.turns[{place.worker, std::move(place.next_hop)}] = {
            .active = place.active,
            .most = place.limit,
            .waiting = place.waiting,
            .rate_pause_us = std::chrono::ceil<std::chrono::microseconds>(pause).count()};
    }
    for (const auto worker : {Worker::relayd, Worker::deliverd})
        if (std::ranges::find(connections_, worker, &Connection::worker) == connections_.end())
            out.away.push_back(worker);
    return out;
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
