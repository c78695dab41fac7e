#pragma once

#include "common/async/task.h"
#include "common/daemon/env.h"
#include "common/net/tls.h"

namespace veredus::smtpd {

// Serves the sockets named `smtp` over the links `resolve` and `intake` until env.stop is
// requested. `tls` outlives it.
async::Task<> serve(daemon::Env& env, net::TlsContext& tls);

}  // namespace veredus::smtpd
