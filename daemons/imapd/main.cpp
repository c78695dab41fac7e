// imapd: TLS and login for IMAP. It holds the ports 143 and 993, its certificate, and a socket to
// accountd; it can open no mailbox that was not logged in to, and no file but its certificate and
// configuration.
#include "common/daemon/certificate.h"
#include "common/daemon/start.h"
#include "daemons/imapd/serve.h"

using namespace veredus;

int main() {
    daemon::Start start("imapd");
    daemon::Certificate certificate(start);
    start.lock_in();
    return start.run([&](daemon::Env& env) { return imapd::serve(env, certificate); });
}
