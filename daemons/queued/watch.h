#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemons/queued/scheduler.h"
#include "spool/queue/due_reader.h"

namespace veredus::queued {

// Looked for every minute by Dispatcher::watch(). None of it should ever be found; when it is, it
// is mended, and told in the log, in `veredus status` and by `veredus check`.
inline constexpr std::int64_t kOverdue_us = 5 * 60'000'000LL;   // due and not tried
inline constexpr std::int64_t kSilence_us = 60 * 60'000'000LL;  // of a worker that has jobs

// Those of `due` that nobody has: not in memory, and not passed over there for want of room.
std::vector<spool::Due> forgotten(std::vector<spool::Due> due, const Scheduler& scheduler,
                                  const std::optional<spool::DueCursor>& passed_over);

}  // namespace veredus::queued
