#pragma once

#include <memory>
#include <string>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/config/config.h"
#include "common/log/log.h"
#include "common/net/stream.h"
#include "spool/mailbox/mailbox_store.h"

namespace veredus::mailboxd {

// What a session in a user's process has: its client and the user's mail. The engines are
//   imap::serve (imap/session.h) and pop3::serve (pop3/session.h);
// each returns when the session is over, closes the mailbox as its protocol says, and lets no error
// out but Stopped.
struct SessionContext {
    async::Loop& loop;
    async::Stop& stop;  // of this session: the process is to end
    spool::MailboxStore& store;
    const config::Config& config;
    log::Log& log;
    std::string user;  // canonical address
    std::unique_ptr<net::Stream>
        client;            // what was read before the login comes first; its stop is `stop`
    std::string peer;      // IP address, for the log
    bool secured = false;  // the client speaks TLS (carried by imapd or pop3d)
    std::string tag;       // IMAP: of the command that logged in, still to be answered OK
};

}  // namespace veredus::mailboxd
