#pragma once

#include "common/daemon/env.h"
#include "common/net/descriptor.h"
#include "spool/account/account_store.h"

namespace veredus::accountd {

// Answers the links resolve, verify and login; dials `session` (mailboxd). See
// common/ipc/account.h.
// `edition`: of the store's file, for those who ask (common/accounts/edition.h).
async::Task<> serve(daemon::Env& env, spool::AccountStore& accounts, net::Descriptor edition);

}  // namespace veredus::accountd
