// mailboxd: a process for each user with a session or a delivery, locked into that user's
// directory.
//
// Links: answers session (accountd) and delivery (deliverd).
// Files: mail/, of which each user's process keeps its user's directory alone.
#include <filesystem>

#include "common/daemon/start.h"
#include "daemons/mailboxd/parent.h"
#include "spool/disk/real_disk.h"

int main() {
    using namespace veredus;
    daemon::Start start("mailboxd");
    auto session = start.take_sockets("session");
    auto delivery = start.take_sockets("delivery");
    mailboxd::Parent parent(start.log(), start.config(), start.paths().mail(),
                            spool::open_real_directory(start.paths().mail()));
    start.lock_in();
    start.ready();
    return parent.run(std::move(session), std::move(delivery));
}
