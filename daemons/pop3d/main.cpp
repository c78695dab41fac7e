// pop3d: TLS and login for POP3. It holds the ports 110 and 995, its certificate, and a socket to
// accountd; it can open no mailbox that was not logged in to, and no file but its certificate and
// configuration.
#include "common/daemon/certificate.h"
#include "common/daemon/start.h"
#include "daemons/pop3d/serve.h"

using namespace veredus;

int main() {
    daemon::Start start("pop3d");
    daemon::Certificate certificate(start);
    start.lock_in();
    return start.run([&](daemon::Env& env) { return pop3d::serve(env, certificate); });
}
