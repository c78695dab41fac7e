#pragma once

#include <string>

#include "common/ipc/admin.h"

namespace veredus {

// All that the queue's ledger knows of a message, for people: who sent it to whom, what has
// happened to it, and what will.
std::string story(const ipc::admin::Row& row);

}  // namespace veredus
