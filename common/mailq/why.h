#pragma once

#include <cstdint>
#include <string>

#include "common/ipc/admin.h"

namespace veredus::mailq {

// Why this recipient still waits, in one sentence without its full stop; empty when nothing is to
// be done for it any more. `now_us`: since 1970.
std::string why_it_waits(const ipc::admin::Row& row, const ipc::admin::RowRecipient& recipient,
                         std::int64_t now_us);

// How long, roughly, for people: "40 s", "12 min", "3 h", "2 d".
std::string rough_time(std::int64_t us);

}  // namespace veredus::mailq
