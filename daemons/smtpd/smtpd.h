#pragma once

#include "common/async/task.h"
#include "common/daemon/certificate.h"
#include "common/daemon/env.h"

namespace veredus::smtpd {

// Serves the sockets named `smtp` over the links `resolve` and `intake` until env.stop is
// requested. `certificate` outlives it.
async::Task<> serve(daemon::Env& env, daemon::Certificate& certificate);

}  // namespace veredus::smtpd
