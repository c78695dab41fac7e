// pop3d: TLS and login for POP3. It holds the ports 110 and 995, its certificate, and a socket to
// accountd; it can open no mailbox that was not logged in to, and no file but its certificate and
// configuration.
#include <cstdio>

#include "common/daemon/start.h"
#include "daemons/pop3d/serve.h"

using namespace veredus;

int main() {
    daemon::Start start("pop3d");
    const pop3d::ReadTls read_tls = [&](const config::Config& config) {
        const auto& paths = start.paths();
        return std::make_shared<net::TlsContext>(net::TlsContext::server(
            paths.certificate(config.tls.certificate), paths.key(config.tls.key)));
    };
    start.lock_in();
    return start.run([&](daemon::Env& env) { return pop3d::serve(env, read_tls); });
}
