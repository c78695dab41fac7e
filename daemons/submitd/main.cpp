// submitd takes mail from the users of this host (ports 587 and 465, logged in) and from its
// programs (the UNIX socket `submission`), completes it and hands it to queued.
// It holds its listening sockets, the links `resolve`, `verify`, `intake` and `queue_list`, and
// write access to files that queued opens for it; it can open nothing itself.

#include "common/daemon/certificate.h"
#include "common/daemon/start.h"
#include "common/mail/date.h"
#include "daemons/submitd/submitd.h"

int main() {
    using namespace veredus;
    daemon::Start start("submitd");
    mail::local_time(0);  // reads the time zone while files can be opened
    const auto users = submitd::LocalUsers::of_host();
    daemon::Certificate certificate(start);
    start.lock_in();
    return start.run([&](daemon::Env& env) { return submitd::serve(env, certificate, users); });
}
