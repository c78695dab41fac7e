#include "daemons/queued/reasons.h"

#include <algorithm>
#include <chrono>

#include "daemons/queued/dispatcher.h"

namespace veredus::queued {

std::string Reasons::paused(const spool::Envelope& envelope) const {
    if (!config) return {};
    if (config->queue.paused) return "all mail is paused by the setting queue.paused";
    const auto* pause = pauses.of_sender(envelope);
    return pause == nullptr ? std::string() : now_paused(*pause);
}

std::string Reasons::paused(const spool::Recipient& recipient) const {
    if (!config || pauses.all().empty()) return {};
    const auto* pause =
        pauses.of_destination(recipient, route_for(*config, recipient.destination).next_hop);
    return pause == nullptr ? std::string() : now_paused(*pause);
}

ipc::admin::Turn Reasons::turn(const spool::Recipient& recipient) const {
    if (!turns) return {};
    const auto route = route_for(*config, recipient.destination);
    const auto found = turns->at.find({route.worker, route.next_hop});
    auto turn = found == turns->at.end() ? ipc::admin::Turn() : found->second;
    turn.next_hop = config::NextHop::shown(route.next_hop);
    if (std::ranges::find(turns->away, route.worker) != turns->away.end())
        turn.away = name_of(route.worker);
    return turn;
}

Reasons Dispatcher::reasons(bool with_turns) const {
    Reasons out{.pauses = pauses(), .turns = {}, .config = {}};
    if (with_turns || !pauses().all().empty() || env_.config.queue.paused) out.config = env_.config;
    if (with_turns) out.turns = turns();
    return out;
}

Reasons::Turns Dispatcher::turns() const {
    Reasons::Turns out;
    const auto now = env_.loop.clock().now();
    for (auto& place : scheduler_.busy()) {  // in the order of the map
        const auto pause = std::max(place.not_before - now, async::Duration::zero());
        ipc::admin::Turn turn{
            .active = place.active,
            .most = place.limit,
            .waiting = place.waiting,
            .rate_pause_us = std::chrono::ceil<std::chrono::microseconds>(pause).count()};
        out.at.try_emplace(out.at.end(), {place.worker, std::move(place.next_hop)},
                           std::move(turn));
    }
    for (const auto worker : {Worker::relayd, Worker::deliverd})
        if (std::ranges::find(connections_, worker, &Connection::worker) == connections_.end())
            out.away.push_back(worker);
    return out;
}

}  // namespace veredus::queued
