#include "common/smtp/server/server.h"

#include <chrono>

#include "common/ipc/packets.h"
#include "common/net/listener.h"

namespace veredus::smtp {
namespace {

// For a message that is on its way when the daemon is to end; less than its supervisor waits.
constexpr auto kToFinish = std::chrono::seconds(15);

// Counts a connection while it lasts.
class Counted {
  public:
    Counted(std::unordered_map<std::string, unsigned>& counts, const std::string& key)
        : counts_(counts), key_(key) {
        ++counts_[key_];
    }
    ~Counted() {
        const auto at = counts_.find(key_);
        if (--at->second == 0) counts_.erase(at);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    std::unordered_map<std::string, unsigned>& counts_;
    std::string key_;
};

}  // namespace

Server::Server(daemon::Env& env)
    : env_(env), world_{.log = env.log, .new_queue_id = [&env] { return env.new_queue_id(); }} {
    configure();
}

void Server::configure() {
    world_.hostname = env_.config.hostname;
    world_.message_size_max = env_.config.limits.message_size;
    world_.recipients_max = env_.config.limits.recipients;
    world_.idle = env_.config.limits.idle;
}

void Server::listen(async::Scope& scope, net::Descriptor listening, Kind kind, Policy& policy) {
    const auto run = [this](async::Scope& children, Kind which, Policy& rules,
                            net::Descriptor socket) {
        return accept(children, which, rules, std::move(socket));
    };
    scope.spawn(run, std::ref(scope), kind, std::ref(policy), std::move(listening));
}

async::Task<> Server::accept(async::Scope& scope, Kind kind, Policy& policy,
                             net::Descriptor listening) {
    net::Listener listener(env_.loop, std::move(listening));
    const auto run = [this](async::Stop& stop, Kind which, Policy& rules, net::Descriptor socket) {
        return serve(stop, which, rules, std::move(socket));
    };
    for (;;) {
        auto socket = co_await listener.accept(scope.stop());
        scope.spawn(run, std::ref(scope.stop()), kind, std::ref(policy), std::move(socket));
    }
}

bool Server::crowded(const std::string& ip) const {
    const auto at = connections_.find(ip);
    return at != connections_.end() && at->second >= env_.config.limits.connections_per_address;
}

async::Task<> Server::serve(async::Stop& parent, Kind kind, Policy& policy,
                            net::Descriptor socket) {
    Client client;
    if (kind == Kind::local_programs) {
        client.uid = ipc::Credentials::of(socket.get()).uid;
        client.program_user = policy.program_user(*client.uid);
    }
    async::Stop stop;  // not requested with its parent: see at_end
    std::unique_ptr<net::Stream> stream;
    try {
        stream = std::make_unique<net::Stream>(env_.loop, std::move(socket), stop);
    } catch (const net::IoError& error) {
        env_.log.info("a connection was lost before its greeting ({})", error.what());
        co_return;
    }
    client.address = stream->peer();
    if (!client.local() && crowded(client.address.ip)) {
        env_.log.warning("too many connections from {}", client.log_name());
        std::string text;
        render(say(Say::too_many_connections).reply, text);
        if (kind != Kind::implicit_tls) stream->farewell(text);
        co_return;
    }
    const Counted counted(connections_, client.address.ip);
    Session session(*stream, policy, world_, std::move(client), stop);
    async::Timer patience(env_.loop);
    const async::Stop::Hook at_end(parent, [&] {
        session.end();
        patience.start(kToFinish, [&] { stop.request(); });
    });
    co_await session.run(kind == Kind::implicit_tls);
}

}  // namespace veredus::smtp
