#pragma once

#include <csignal>

#include "common/net/descriptor.h"

namespace veredus::daemon {

// For a parent of processes, which has no loop: SIGTERM, SIGINT, SIGCHLD and SIGHUP are blocked and
// come on a descriptor (signalfd(2)).
net::Descriptor take_parent_signals();
// In a child that has been forked: they do what they do by default again.
void leave_parent_signals();

}  // namespace veredus::daemon
