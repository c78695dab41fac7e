#pragma once

#include <cstdint>

#include "spool/queue/queue_store.h"

namespace veredus::queued {

// What has come and gone since the start, and what is there.
class Tally {
  public:
    struct Flow {
        std::uint64_t accepted = 0;                            // messages
        std::uint64_t delivered = 0, relayed = 0, failed = 0;  // recipients
        std::uint64_t deferred = 0;                            // attempts
    };
    const Flow& flow() const { return flow_; }
    const spool::Totals& totals() const { return totals_; }

    void start_from(const spool::Totals& totals) { totals_ = totals; }
    void entered(const spool::NewMessage& message);
    void outcome(const spool::Outcome& outcome);
    void departed(const spool::Departure& departure);

  private:
    Flow flow_;
    spool::Totals totals_;
};

}  // namespace veredus::queued
