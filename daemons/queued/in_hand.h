#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/config.h"
#include "common/ipc/admin.h"
#include "common/mail/queue_id.h"
#include "daemons/queued/pauses.h"
#include "daemons/queued/router.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// What is known here of recipients and not on disk yet, each list in the order of messages.
struct InHand {
    // Message and recipient: a worker has them right now. Recipients in their order, too.
    std::vector<std::pair<mail::QueueId, std::uint32_t>> tried;
    // Failed for good, and to be settled together with others of their message (Failures).
    std::vector<spool::Outcome> failed;

    Pauses pauses;
    // Where mail waits for its turn, and which daemons are away: where that is asked for.
    enum class Turns : std::uint8_t { kNot, kAlso } with_turns = Turns::kNot;
    std::map<std::pair<Worker, std::string>, ipc::admin::Turn> turns;  // by next hop
    std::vector<Worker> away;
    // It tells a recipient's next hop; where something is paused or turns are asked for.
    std::optional<config::Config> config;

    bool is_tried(mail::QueueId message, std::uint32_t recipient) const;
    // By what its sender's mail, or mail to this recipient, is kept from being tried; empty if it
    // is not.
    std::string paused(const spool::Envelope& envelope) const;
    std::string paused(const spool::Recipient& recipient) const;
    ipc::admin::Turn turn(const spool::Recipient& recipient) const;
    // The recipients that failed stand as they will on disk.
    void settle(spool::Queued& message, bool with_history) const;
};

}  // namespace veredus::queued
