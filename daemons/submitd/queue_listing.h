#pragma once

#include <string>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/ipc/admin.h"
#include "common/smtp/replies.h"

namespace veredus::submitd {

// A message in the queue as one line of JSON in the shape of `postqueue -j`; members that only we
// have come after those that others know.
std::string queue_line(const ipc::admin::Row& row);

// The answer to XQUEUE: a line a message, then how many there are. Asks queued over the link at
// `path` (`queue_list`), which it dials for this.
async::Task<smtp::Answer> list_queue(async::Loop& loop, std::string path, async::Stop& stop);

}  // namespace veredus::submitd
