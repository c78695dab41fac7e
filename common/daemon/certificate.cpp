#include "common/daemon/certificate.h"

#include <sysexits.h>

#include <cstdlib>

#include "common/daemon/serve_link.h"
#include "common/ipc/certificate.h"

namespace veredus::daemon {
namespace {

using ipc::certificate::Answer;
using ipc::certificate::Renew;
using ipc::certificate::Renewed;
using ipc::certificate::Request;

net::TlsContext read(Start& start) {
    const auto& tls = start.config().tls;
    try {
        return net::TlsContext::server(start.paths().certificate(tls.certificate),
                                       start.paths().key(tls.key));
    } catch (const net::TlsError& error) {
        start.log().error("{}", error.what());
        std::exit(EX_CONFIG);
    }
}

}  // namespace

Certificate::Certificate(Start& start) : daemon_(start.name()), context_(read(start)) {}

void Certificate::serve(Env& env, async::Scope& scope) {
    const auto answer = [this, &env](auto& channel, async::Scope& peer) -> async::Task<> {
        for (;;) {
            const auto asked = co_await channel.receive(peer.stop());
            if (!asked) co_return;
            const auto& renewal = std::get<Renew>(asked->message);
            std::string fault;
            try {
                context_ = net::TlsContext::server_of_pem(renewal.certificate, renewal.key);
                env.log.info(
                    "new connections are served with the certificate that was handed over");
            } catch (const net::TlsError& error) {
                fault = error.what();
                env.log.error("the certificate in force stays: {}", fault);
            }
            channel.send(Answer(Renewed{renewal.request, std::move(fault)}));
            co_await channel.drained(peer.stop());
        }
    };
    serve_link<Request, Answer>(env, scope, ipc::certificate::kLinkPrefix + daemon_, answer);
}

}  // namespace veredus::daemon
