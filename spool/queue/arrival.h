#pragma once

#include <chrono>
#include <cstdint>

#include "common/ipc/intake.h"
#include "spool/body/record.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// What a message that a client brought is to the queue: how long it is tried, what it is due to.
// `arrived_us` since 1970.
NewMessage arrival_of(ipc::intake::Envelope envelope, const mail::BodyRef& body,
                      std::int64_t arrived_us, std::chrono::microseconds expire);

// The same of one that stands in a segment with its sealed envelope; as if it had come at the time
// that its id tells. Throws ipc::ProtocolError when the envelope is of a version that is not known.
NewMessage arrival_in(const FoundRecord& record, std::chrono::microseconds expire);

}  // namespace veredus::spool
