#include "daemons/submitd/submitd.h"

#include <functional>
#include <stdexcept>

#include "common/smtp/server/server.h"
#include "daemons/submitd/policies.h"

namespace veredus::submitd {

using async::Stop;
using async::Task;
using Kind = smtp::Server::Kind;

Task<> serve(daemon::Env& env, daemon::Certificate& certificate, const LocalUsers& users) {
    accounts::Resolver resolver(env.loop, env.link("resolve"));
    VerifyLink verify(env.loop, env.link("verify"));
    intake::IntakeClient queue(env.loop, env.log, env.link("intake"));
    const Links links{resolver, verify, queue};
    UserPolicy user_policy(env, links, certificate);
    ProgramPolicy program_policy(env, links, users);
    smtp::Server server(env);
    env.on_reload = [&] {
        server.configure();
        user_policy.configure();
        program_policy.configure();
    };
    const auto keep_links = [&](async::Scope& scope) {
        const auto keep_resolver = [&](Stop& stop) { return resolver.run(stop); };
        const auto keep_verify = [&](Stop& stop) { return verify.run(stop); };
        const auto keep_queue = [&](Stop& stop) { return queue.run(stop); };
        scope.spawn(keep_resolver, std::ref(scope.stop()));
        scope.spawn(keep_verify, std::ref(scope.stop()));
        scope.spawn(keep_queue, std::ref(scope.stop()));
    };
    const auto body = [&](async::Scope& scope) -> Task<> {
        certificate.serve(env, scope);
        bool any = false;
        for (const char* name : {"submission-starttls", "submissions", "submission", "local"}) {
            for (auto& socket : env.take_sockets(name)) {
                any = true;
                // Who speaks there is told by the socket itself, so that no slip in a name can make
                // a port a trusted one.
                const bool local = net::Address::local_of(socket.get()).ip.empty();
                const Kind kind = local                                     ? Kind::local_programs
                                  : std::string_view(name) == "submissions" ? Kind::implicit_tls
                                                                            : Kind::plain;
                SubmissionPolicy& programs = program_policy;
                server.listen(scope, std::move(socket), kind, local ? programs : user_policy);
            }
        }
        if (!any) throw std::runtime_error("submitd was passed no socket to listen on");
        env.ready();
        co_await scope.join();
    };
    co_await async::with_supported_scope(env.loop, env.stop, keep_links, body);
    env.on_reload = nullptr;
}

}  // namespace veredus::submitd
