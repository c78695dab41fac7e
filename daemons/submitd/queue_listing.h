#pragma once

#include <expected>
#include <memory>
#include <string>

#include "common/async/loop.h"
#include "common/smtp/server/policy.h"

namespace veredus::submitd {

// The answer to XQUEUE: asks queued over the link at `path` (`queue_list`), which it dials for
// this, and passes on what comes.
std::expected<std::unique_ptr<smtp::QueueListing>, smtp::Answer> list_queue(
    async::Loop& loop, const std::string& path);

}  // namespace veredus::submitd
