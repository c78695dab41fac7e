// locald: users of this host who have no account of Veredus: their ~/.forward, their mailbox in
// /var/mail, their programs. The one daemon that starts as root, and of root's powers it has that
// of becoming somebody else. Not in the sandbox that the others are in: users' programs may do what
// users may.
//
// Links: answers host_user (accountd), host_delivery (deliverd). Files: /etc/aliases and those of
// users, read by the users' own processes.
#include <sysexits.h>

#include <exception>

#include "common/daemon/start.h"
#include "daemons/locald/account.h"
#include "daemons/locald/parent.h"

int main() {
    using namespace veredus;
    daemon::Start start("locald");
    // Whose the sockets are is seen with root's powers.
    locald::Parent parent(start.log(), start.config(), start.config_file(), start.paths().aliases(),
                          {.host_user = start.take_sockets("host_user"),
                           .host_delivery = start.take_sockets("host_delivery")});
    try {
        locald::keep_only_the_power_to_become_others();
    } catch (const std::exception& error) {
        start.log().error("it must start as root: {}", error.what());
        return EX_CONFIG;
    }
    start.ready();
    return parent.run();
}
