#pragma once

#include <memory>
#include <string>

#include "common/config/config.h"
#include "common/net/descriptor.h"
#include "spool/disk/disk.h"

namespace veredus::mailboxd {

// What the parent says on a user's control socket (SOCK_SEQPACKET), one byte a packet, the first
// two with a descriptor.
inline constexpr char kSession = 's';   // common/ipc/mailbox.h, carry
inline constexpr char kDelivery = 'd';  // common/ipc/mailbox.h, deliver
inline constexpr char kMayGo = 'g';
// The one thing the process says: that it would like to end, followed in the same packet by the
// decimal number of descriptors it has received. The parent lets it go only if it gave no more than
// that: nothing is lost that crosses with the wish.
inline constexpr char kWouldGo = 'w';

// A user's process, already locked in: owns the user's mail, serves all of his sessions and
// deliveries, and ends after a while without any. Returns the exit status.
int run_user_process(const std::string& user, std::unique_ptr<spool::Directory> directory,
                     net::Descriptor control, const config::Config& config);

}  // namespace veredus::mailboxd
