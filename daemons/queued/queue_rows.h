#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/ipc/admin.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// The rows of these messages as packets of Rows, ready to be sent. `active`: what is on its way
// right now, in order. On any thread.
std::vector<std::string> packets_of(std::uint32_t request, std::vector<spool::Queued> messages,
                                    std::span<const mail::QueueId> active);

}  // namespace veredus::queued
