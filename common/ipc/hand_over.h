#pragma once

#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/ipc/mailbox.h"
#include "common/net/descriptor.h"
#include "common/net/stream.h"

namespace veredus::ipc {

// What imapd and pop3d do with a client who has logged in: gives its connection to the user's
// process over `session`, the descriptor that came with the login. Without TLS the socket itself
// goes, and this returns at once; with TLS one end of a socket pair goes, and the bytes are carried
// until one side ends. `carry.secured` and `carry.buffered` are filled in here.
//
// `stop` is the one `client` was made with; it is requested when a carried session is over.
// Nothing unflushed may be in `client`, which is of no use after. Throws IoError where the user's
// process has gone before it was given anything: the client can still be told.
async::Task<> hand_over(net::Stream& client, net::Descriptor session, carry::Carry carry,
                        async::Stop& stop);

}  // namespace veredus::ipc
