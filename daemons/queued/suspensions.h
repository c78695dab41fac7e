#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/ipc/work.h"
#include "daemons/queued/lanes.h"
#include "daemons/queued/pauses.h"

namespace veredus::queued {

// What is not tried now, and why: what the administrator has paused, and next hops that could not
// be reached several times in a row, which are remembered once for all the mail that waits for
// them. One message finds out whether such a one is there again. Pure.
class Suspensions {
  public:
    void set_pauses(Pauses pauses) { pauses_ = std::move(pauses); }
    const Pauses& pauses() const { return pauses_; }

    // What the next hop is to be blamed for, in place of an attempt; nothing when it may be tried.
    std::optional<ipc::work::Outcome> of(const Assignment& task, const spool::Recipient& recipient,
                                         std::int64_t now_us) const;

    void reached(const std::string& next_hop) { rests_.erase(next_hop); }
    // `why`: of the attempt that failed. After some in a row it rests until `until_us`; true when
    // it has just begun to.
    bool not_reached(const std::string& next_hop, const spool::Outcome& why, std::int64_t until_us);
    // Everything may be tried again.
    void forget_rests() { rests_.clear(); }

  private:
    struct Rest {
        unsigned failures = 0;  // in a row
        std::int64_t until_us = 0;
        std::string status, reply;
    };

    Pauses pauses_;
    std::map<std::string, Rest> rests_;  // by next hop
};

}  // namespace veredus::queued
