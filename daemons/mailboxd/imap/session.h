#pragma once

#include "common/async/task.h"
#include "daemons/mailboxd/session.h"

namespace veredus::mailboxd::imap {

// An IMAP session from the answer to the login to the end of the connection (RFC 3501 sections 6.3
// and 6.4). Returns when it is over. Throws Stopped.
async::Task<> serve(SessionContext& context);

}  // namespace veredus::mailboxd::imap
