// queued (MTA): owns the spool. Makes messages durable, schedules and retries them, tells senders
// what failed.
//
// Links: answers intake (smtpd, submitd), work.relayd, work.deliverd, admin (veredus), queue_list
// (submitd). Files: the spool directory. No network.
#include "common/daemon/start.h"
#include "common/mail/date.h"
#include "daemons/queued/queued.h"
#include "spool/disk/real_disk.h"

int main() {
    using namespace veredus;
    daemon::Start start("queued");
    const auto spool = spool::open_real_directory(start.paths().spool());
    mail::local_time(0);  // reads the zone's file
    start.lock_in();
    return start.run([&](daemon::Env& env) { return queued::serve(env, *spool); });
}
