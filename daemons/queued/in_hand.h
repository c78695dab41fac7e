#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/mail/queue_id.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// What is known here of recipients and not on disk yet, each list in the order of messages.
struct InHand {
    // Message and recipient: a worker has them right now. Recipients in their order, too.
    std::vector<std::pair<mail::QueueId, std::uint32_t>> tried;
    // Failed for good, and not on disk yet (Failures).
    std::vector<spool::Outcome> failed;

    bool is_tried(mail::QueueId message, std::uint32_t recipient) const;
    // The recipients that failed stand as they will on disk.
    void settle(spool::Queued& message, bool with_history) const;
};

}  // namespace veredus::queued
