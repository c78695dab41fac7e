// smtpd takes mail from other hosts (port 25) for the people of this one and hands it to queued.
// It holds its listening sockets, the links `resolve` and `intake`, and write access to files that
// queued opens for it; it can open nothing itself.

#include "common/daemon/certificate.h"
#include "common/daemon/start.h"
#include "common/mail/date.h"
#include "daemons/smtpd/smtpd.h"

int main() {
    using namespace veredus;
    daemon::Start start("smtpd");
    mail::local_time(0);  // reads the time zone while files can be opened
    daemon::Certificate certificate(start);
    start.lock_in();
    return start.run([&](daemon::Env& env) { return smtpd::serve(env, certificate); });
}
