#pragma once

#include "common/daemon/env.h"

namespace veredus::deliverd {

// Takes jobs for local addresses from queued (work.deliverd), asks accountd what each address is
// (resolve), hands messages to the users' processes (delivery). See common/ipc/work.h.
async::Task<> serve(daemon::Env& env);

}  // namespace veredus::deliverd
