// smtpd takes mail from other hosts (port 25) for the people of this one and hands it to queued.
// It holds its listening sockets, the links `resolve` and `intake`, and write access to files that
// queued opens for it; it can open nothing itself.

#include <sysexits.h>

#include <optional>

#include "common/daemon/start.h"
#include "common/mail/date.h"
#include "common/net/tls.h"
#include "daemons/smtpd/smtpd.h"

int main() {
    using namespace veredus;
    daemon::Start start("smtpd");
    mail::local_time(0);  // reads the time zone while files can be opened
    const auto& tls = start.config().tls;
    std::optional<net::TlsContext> certificate;
    try {
        certificate = net::TlsContext::server(start.paths().certificate(tls.certificate),
                                              start.paths().key(tls.key));
    } catch (const net::TlsError& error) {
        start.log().error("{}", error.what());
        return EX_CONFIG;
    }
    start.lock_in();
    return start.run([&](daemon::Env& env) { return smtpd::serve(env, *certificate); });
}
