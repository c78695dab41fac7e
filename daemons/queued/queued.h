#pragma once

#include <memory>

#include "common/daemon/env.h"
#include "spool/disk/disk.h"

namespace veredus::queued {

// Answers the links intake, work.relayd, work.deliverd, admin and queue_list; `spool` is its
// directory.
async::Task<> serve(daemon::Env& env, spool::Directory& spool);

}  // namespace veredus::queued
