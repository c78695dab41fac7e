// submitd takes mail from the users of this host (ports 587 and 465, logged in) and from its
// programs (the UNIX socket `submission`), completes it and hands it to queued.
// It holds its listening sockets, the links `resolve`, `verify`, `intake` and `queue_list`, and
// write access to files that queued opens for it; it can open nothing itself.

#include <sysexits.h>

#include <optional>

#include "common/daemon/start.h"
#include "common/mail/date.h"
#include "common/net/tls.h"
#include "daemons/submitd/submitd.h"

int main() {
    using namespace veredus;
    daemon::Start start("submitd");
    mail::local_time(0);  // reads the time zone while files can be opened
    const auto users = submitd::LocalUsers::of_host();
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
    return start.run([&](daemon::Env& env) { return submitd::serve(env, *certificate, users); });
}
