#include "common/daemon/parent_signals.h"

#include <sys/signalfd.h>

namespace veredus::daemon {
namespace {

sigset_t handled() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGCHLD, SIGHUP})
        sigaddset(&set, number);
    return set;
}

}  // namespace

net::Descriptor take_parent_signals() {
    const sigset_t set = handled();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return net::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void leave_parent_signals() {
    const sigset_t set = handled();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace veredus::daemon
