#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "common/async/clock.h"
#include "common/mail/queue_id.h"
#include "daemons/queued/lanes.h"
#include "daemons/queued/verdicts.h"

namespace veredus::queued {

// Recipients that failed for good while others of their message are still being tried: they are
// settled together, so that the sender is told once. Until then the disk takes them for untried: a
// crash costs an attempt more. Pure.
class Failures {
  public:
    static constexpr auto kLongest = std::chrono::seconds(10);  // that one waits for others
    static constexpr std::size_t kMost = 500;                   // in one notification

    // Moves those of whom the sender is to be told out of `heard` and `verdicts`, to those of their
    // message that are here.
    void keep(Assignment& heard, Verdicts& verdicts, async::Time now);

    std::size_t recipients(mail::QueueId message) const;  // of it, here
    std::vector<mail::QueueId> messages() const;
    // Of the messages behind this one, in their order; also of those taken and not on disk yet.
    std::vector<spool::Outcome> outcomes(mail::QueueId after) const;
    // Those that have waited for long enough; and when the next one will.
    std::vector<mail::QueueId> late(async::Time now) const;
    std::optional<async::Time> next() const;

    struct Kept {
        Assignment heard;
        Verdicts verdicts;
    };
    // To be settled; on_disk() then.
    std::optional<Kept> take(mail::QueueId message);
    // What was taken first of it.
    void on_disk(mail::QueueId message);

  private:
    struct Waiting {
        Kept kept;
        async::Time until;
    };
    std::map<mail::QueueId, Waiting> kept_;
    std::multimap<mail::QueueId, std::vector<spool::Outcome>> taken_;
};

}  // namespace veredus::queued
