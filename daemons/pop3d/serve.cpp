#include "daemons/pop3d/serve.h"

#include "common/async/scope.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "daemons/pop3d/session.h"

namespace veredus::pop3d {
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
        for (auto& socket : env.take_sockets("pop3"))
            scope.spawn(accept_clients, std::ref(service), std::move(socket), false,
                        std::ref(scope));
        for (auto& socket : env.take_sockets("pop3s"))
            scope.spawn(accept_clients, std::ref(service), std::move(socket), true,
                        std::ref(scope));
        env.ready();
    };
    co_await async::with_scope(env.loop, env.stop, body);
}

}  // namespace veredus::pop3d
