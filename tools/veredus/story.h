#pragma once

#include <span>
#include <string>

#include "common/ipc/admin.h"
#include "spool/ledger/story.h"

namespace veredus {

// Of a message that waits, as queued has told it.
spool::Story story_of(const ipc::admin::Row& row);

// For people: who sent it to whom, what has happened to it since in the order of time, and what
// will; lines, each with its '\n'. `notifications` are the stories of those that tell of it.
std::string story_text(const spool::Story& story, std::span<const spool::Story> notifications = {});

}  // namespace veredus
