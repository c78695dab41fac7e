#include "daemons/imapd/serve.h"

#include <utility>

#include "common/async/scope.h"
#include "common/net/listener.h"
#include "daemons/imapd/session.h"

namespace veredus::imapd {
namespace {

using async::Task;

Task<> accept_clients(Service& service, net::Descriptor listening, bool tls_at_once,
                      async::Scope& sessions) {
    net::Listener listener(service.env.loop, std::move(listening));
    for (;;) {
        auto socket = co_await listener.accept(sessions.stop());
        sessions.spawn(serve_client, std::ref(service), std::move(socket), tls_at_once);
    }
}

}  // namespace

Task<> serve(daemon::Env& env, daemon::Certificate& certificate) {
    Service service{env, certificate, LoginLink(env.loop, env.link("login")), {}};
    const auto body = [&](async::Scope& scope) -> Task<> {
        scope.spawn([&]() -> Task<> { return service.login.run(scope.stop()); });
        certificate.serve(env, scope);
        co_await service.login.connected(scope.stop());
        for (const bool tls_at_once : {false, true}) {
            for (auto& socket : env.take_sockets(tls_at_once ? "imaps" : "imap")) {
                scope.spawn(accept_clients, std::ref(service), std::move(socket), tls_at_once,
                            std::ref(scope));
            }
        }
        env.ready();
    };
    co_await async::with_scope(env.loop, env.stop, body);
}

}  // namespace veredus::imapd
