#pragma once

#include "common/daemon/env.h"
#include "spool/account/account_store.h"

namespace veredus::accountd {

// Answers the links resolve, verify and login; dials `session` (mailboxd). See
// common/ipc/account.h.
async::Task<> serve(daemon::Env& env, spool::AccountStore& accounts);

}  // namespace veredus::accountd
