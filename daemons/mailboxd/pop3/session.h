#pragma once

#include "common/async/task.h"
#include "daemons/mailboxd/session.h"

namespace veredus::mailboxd::pop3 {

// A POP3 session from the answer to the login to QUIT (RFC 1939, 5 and 6). Only QUIT deletes: when
// the connection breaks, the client is silent for limits.idle or the session is stopped, all stays.
// Returns when the session is over. Throws Stopped.
async::Task<> serve(SessionContext& context);

}  // namespace veredus::mailboxd::pop3
