#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spool/ledger/story.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// What the ledger is to know of a message that has left: as it was, with the lines of its history,
// oldest first, and the outcomes with which it left, which never came to be history.
Story story_of(Queued message, std::vector<HistoryLine> history,
               std::span<const Outcome* const> outcomes);
// ... of one that an administrator deleted.
Story story_of_deleted(Queued message, std::vector<HistoryLine> history, std::int64_t at_us);

}  // namespace veredus::spool
