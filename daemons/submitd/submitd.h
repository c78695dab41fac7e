#pragma once

#include "common/async/task.h"
#include "common/daemon/certificate.h"
#include "common/daemon/env.h"
#include "daemons/submitd/local_users.h"

namespace veredus::submitd {

// Serves the sockets named `submission-starttls`, `submissions` and `submission` (local programs)
// over the links `resolve`, `verify`, `intake` and `queue_list` until env.stop is requested.
// `certificate` and `users` outlive it.
async::Task<> serve(daemon::Env& env, daemon::Certificate& certificate, const LocalUsers& users);

}  // namespace veredus::submitd
