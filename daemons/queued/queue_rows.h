#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/ipc/admin.h"
#include "daemons/queued/in_hand.h"
#include "daemons/queued/reasons.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// The rows of these messages as packets of Rows, ready to be sent, with whom a worker has right
// now and by what the others are kept waiting. On any thread.
std::vector<std::string> packets_of(std::uint32_t request, std::vector<spool::Queued> messages,
                                    const InHand& in_hand, const Reasons& reasons);

}  // namespace veredus::queued
