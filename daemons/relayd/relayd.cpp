#include "daemons/relayd/relayd.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/ipc/channel.h"
#include "common/ipc/wire.h"
#include "common/ipc/work.h"
#include "daemons/relayd/delivery.h"
#include "daemons/relayd/pool.h"

namespace veredus::relayd {
namespace {

using async::Task;
using namespace std::chrono_literals;

constexpr std::uint32_t kJobs = 1000;  // at a time
constexpr async::Duration kDialAgain = 100ms;
constexpr async::Duration kLastWords = 2s;
constexpr std::uint16_t kSmtpPort = 25;

using WorkLink = ipc::Channel<ipc::work::ToWorker, ipc::work::FromWorker>;

// Each job holds two descriptors, its message's and a connection's.
std::uint32_t capacity() {
    constexpr rlim_t kForTheRest = 100;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kJobs;
    const auto left = limit.rlim_cur - std::min(limit.rlim_cur, kForTheRest);
    return static_cast<std::uint32_t>(std::clamp<rlim_t>(left / 2, 1, kJobs));
}

// One connection to queued, with the deliveries that came over it.
class Work {
  public:
    Work(daemon::Env& env, Outside& outside, Reach& reach, net::Descriptor socket)
        : env_(env), outside_(outside), reach_(reach), link_(env.loop, std::move(socket)) {}

    Task<> run() {
        const auto body = [this](async::Scope& scope) { return take_jobs(scope); };
        std::exception_ptr error;
        try {
            co_await async::with_scope(env_.loop, env_.stop, body);
        } catch (...) {
            error = std::current_exception();
        }
        co_await say_the_rest();
        if (error) std::rethrow_exception(error);
    }

  private:
    // The last outcomes leave with the loop's next turn, unless queued is stuck.
    Task<> say_the_rest() {
        async::Stop never;
        async::Event turned(env_.loop);
        env_.loop.before_waiting([&] { turned.set(); });
        co_await turned.wait(never);
        const auto drain = [&](async::Stop& stop) -> Task<> { co_await link_.drained(stop); };
        try {
            co_await async::with_timeout(env_.loop, never, kLastWords, drain);
        } catch (const async::TimedOut&) {
        }
    }

    Task<> take_jobs(async::Scope& scope) {
        Pool pool(SessionContext{env_.loop, env_.log, outside_.tls, outside_.connect, reach_,
                                 env_.config.hostname},
                  scope);
        std::exception_ptr error;
        try {
            co_await receive(scope, pool);
        } catch (...) {
            error = std::current_exception();
        }
        // Without queued nobody would hear of what is delivered now.
        scope.stop().request();
        co_await scope.join();
        if (error) std::rethrow_exception(error);
    }

    Task<> receive(async::Scope& scope, Pool& pool) {
        link_.send(ipc::work::Ready{.capacity = capacity()});
        std::vector<ipc::work::Job> jobs;
        for (;;) {
            auto received = co_await link_.receive(scope.stop());
            if (!received) co_return;
            if (std::holds_alternative<ipc::work::Forget>(received->message)) {
                reach_.forget();
                continue;
            }
            jobs.push_back(std::get<ipc::work::Job>(std::move(received->message)));
            if (jobs.size() > kJobs || received->descriptors.size() > 1)
                throw ipc::ProtocolError("jobs without their messages");
            if (received->descriptors.empty()) continue;
            const auto file =
                std::make_shared<const net::Descriptor>(std::move(received->descriptors.front()));
            pool.set_hostname(env_.config.hostname);
            reach_.set_retry(env_.config.queue.retry_first);
            for (auto& job : std::exchange(jobs, {}))
                scope.spawn(deliver, delivery_context(pool), std::move(job), file,
                            std::ref(scope.stop()));
        }
    }

    DeliveryContext delivery_context(Pool& pool) {
        const auto port = static_cast<std::uint16_t>(kSmtpPort + env_.config.listen.port_base);
        return {.loop = env_.loop,
                .log = env_.log,
                .pool = pool,
                .reach = reach_,
                .route = {.loop = env_.loop,
                          .config = env_.config,
                          .resolver = outside_.resolver,
                          .identity = {env_.config.hostname, outside_.own_addresses, port},
                          .random = env_.random},
                .report = [this](const ipc::work::Outcomes& outcomes) { link_.send(outcomes); }};
    }

    daemon::Env& env_;
    Outside& outside_;
    Reach& reach_;
    WorkLink link_;
};

}  // namespace

Task<> serve(daemon::Env& env, Outside& outside) {
    env.ready();
    Reach reach;
    for (;;) {
        if (net::Descriptor socket = ipc::dial(env.link("work.relayd"))) {
            Work work(env, outside, reach, std::move(socket));
            std::string problem;
            try {
                co_await work.run();
            } catch (const ipc::ProtocolError& error) {
                problem = error.what();
            }
            if (!problem.empty()) env.log.error("queued breaks the protocol: {}", problem);
        }
        co_await async::sleep_for(env.loop, kDialAgain, env.stop);
    }
}

}  // namespace veredus::relayd
