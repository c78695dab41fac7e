#pragma once

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/channel.h"
#include "common/net/listener.h"

namespace veredus::daemon {

// The answering end of a link: takes connections on every socket passed under `name` and runs
// handle(channel, scope) for each in a scope of its own, so that what one peer set going ends with
// it. Only this instance's own daemons are heard. A peer that breaks the protocol is cut off and
// named in the log; nobody else notices.
template <class In, class Out, class Handle>
void serve_link(Env& env, async::Scope& scope, const std::string& name, Handle handle) {
    const auto session = [](Env& world, async::Stop& parent, std::string link, Handle body,
                            net::Descriptor socket) -> async::Task<> {
        try {
            ipc::Channel<In, Out> channel(world.loop, std::move(socket));
            const auto run = [&](async::Scope& children) -> async::Task<> {
                std::exception_ptr error;
                try {
                    co_await body(channel, children);
                } catch (...) {
                    error = std::current_exception();
                }
                children.stop().request();
                if (error) std::rethrow_exception(error);
            };
            co_await async::with_scope(world.loop, parent, run);
        } catch (const ipc::ProtocolError& error) {
            world.log.error("link {}: the peer broke the protocol and is cut off: {}", link,
                            error.what());
        }
    };
    const auto accept = [session](Env& world, async::Scope& children, std::string link, Handle body,
                                  net::Descriptor listening) -> async::Task<> {
        net::Listener listener(world.loop, std::move(listening));
        for (;;) {
            auto socket = co_await listener.accept(children.stop());
            const auto peer = ipc::Credentials::of(socket.get());
            if (!peer.ours()) {
                world.log.warning("link {}: uid {} may not speak here", link, peer.uid);
                continue;
            }
            children.spawn(session, std::ref(world), std::ref(children.stop()), link, body,
                           std::move(socket));
        }
    };
    for (auto& listening : env.take_sockets(name))
        scope.spawn(accept, std::ref(env), std::ref(scope), name, handle, std::move(listening));
}

}  // namespace veredus::daemon
