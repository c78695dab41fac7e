#include "daemons/queued/queued.h"

#include <exception>
#include <optional>
#include <utility>

#include "common/async/blocking.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/daemon/serve_link.h"
#include "daemons/queued/admin.h"
#include "daemons/queued/committer.h"
#include "daemons/queued/dispatcher.h"
#include "daemons/queued/if_there_is_room.h"
#include "daemons/queued/intake.h"
#include "daemons/queued/notify.h"
#include "spool/queue/queue_store.h"

namespace veredus::queued {
namespace {

using async::Scope;
using async::Stop;
using async::Task;
using daemon::Env;

constexpr auto kCompactEvery = std::chrono::seconds(5);
constexpr auto kTidyEvery = std::chrono::minutes(1);
// Of large messages that have left, for those that come: an inode and a name each.
constexpr std::size_t kFilesKept = 1024;

class Queued {
  public:
    Queued(Env& env, spool::Directory& spool)
        : env_(env),
          room_(env, spool),
          store_(spool),
          reader_(store_),
          bodies_(spool.open_directory("body"), kFilesKept),
          notifier_(bodies_, {.now_us = [this] { return env_.loop.clock().wall_us(); },
                              .new_id = [this] { return env_.new_queue_id(); }}),
          committer_(
              env.loop, env.log, store_, bodies_,
              {.expanded = [this](const auto& message) { dispatcher_.expanded(message); },
               .departed = [this](const auto& departure) { dispatcher_.departed(departure); },
               .own_accepted = [this](const auto& message) { dispatcher_.accepted(message); }}),
          dispatcher_(env, committer_, bodies_, notifier_),
          inspection_(env, store_, spool.open_directory("body")),
          admin_(env, committer_, dispatcher_, reader_, inspection_, room_) {
        const auto recovered = store_.recover(bodies_, env_.config.queue.expire);
        committer_.start_from(recovered.totals);
        dispatcher_.set_pauses(Pauses(store_.pauses()));
        report(recovered);
    }

    // Links and workers end first; what they have handed in is committed before the store closes.
    Task<> run() {
        Stop committing;
        Scope last(env_.loop, committing);
        last.spawn([this, &last]() -> Task<> { co_await commit(last.stop()); });
        std::exception_ptr error;
        try {
            const auto body = [&](Scope& scope) -> Task<> { co_await serve_links(scope); };
            co_await async::with_scope(env_.loop, env_.stop, body);
        } catch (const async::Stopped&) {
        } catch (...) {
            error = std::current_exception();
        }
        co_await committer_.settled(committing);
        committing.request();
        co_await last.join();
        if (last.first_error()) error = last.first_error();
        if (error) std::rethrow_exception(error);
        note_closed();
        env_.stop.check();
    }

  private:
    // Without it nothing can be acknowledged: all end with it.
    Task<> commit(Stop& stop) {
        try {
            co_await committer_.run(stop);
        } catch (...) {
            env_.stop.request();
            throw;
        }
    }

    // Else the next start finds it out.
    void note_closed() {
        try {
            store_.note_closed(bodies_.segments());
        } catch (const spool::DatabaseError& error) {
            if (!error.disk_full()) throw;
        }
    }

    Task<> serve_links(Scope& scope) {
        env_.on_reload = [this] { dispatcher_.route_again(); };
        scope.spawn([this, &scope]() -> Task<> { co_await dispatcher_.refill(scope.stop()); });
        scope.spawn([this, &scope]() -> Task<> { co_await dispatcher_.watch(scope.stop()); });
        scope.spawn([this, &scope]() -> Task<> { co_await room_.watch(scope.stop()); });
        scope.spawn([this, &scope]() -> Task<> { co_await tidy(scope.stop()); });
        scope.spawn([this, &scope]() -> Task<> { co_await compact(scope.stop()); });
        daemon::serve_link<ipc::intake::Request, ipc::intake::Answer>(
            env_, scope, "intake", [this](Intake::Channel& channel, Scope& peer) -> Task<> {
                Intake intake(env_, committer_, bodies_, room_,
                              [this](const auto& message) { dispatcher_.accepted(message); });
                co_await intake.run(channel, peer.stop());
            });
        serve_work(scope, "work.relayd", Worker::relayd);
        serve_work(scope, "work.deliverd", Worker::deliverd);
        serve_admin(scope, "admin", true);
        serve_admin(scope, "queue_list", false);
        env_.ready();
        co_await async::until_stopped(env_.loop, scope.stop());
    }

    void serve_work(Scope& scope, const std::string& name, Worker worker) {
        daemon::serve_link<ipc::work::FromWorker, ipc::work::ToWorker>(
            env_, scope, name, [this, worker](Dispatcher::Channel& channel, Scope& peer) -> Task<> {
                co_await dispatcher_.serve(worker, channel, peer);
            });
    }

    void serve_admin(Scope& scope, const std::string& name, bool may_act) {
        daemon::serve_link<ipc::admin::Request, ipc::admin::Answer>(
            env_, scope, name, [this, may_act](Admin::Channel& channel, Scope& peer) -> Task<> {
                co_await admin_.serve(channel, peer.stop(), may_act);
            });
    }

    // In quiet moments: the mark of what is on disk moves up, the ledger is settled, the database
    // gives back what it no longer needs.
    Task<> tidy(Stop& stop) {
        for (;;) {
            co_await async::sleep_for(env_.loop, kTidyEvery, stop);
            const std::chrono::microseconds keep = env_.config.ledger.keep;
            const auto before = env_.loop.clock().wall_us() - keep.count();
            const auto care = [before](spool::QueueStore& store) -> std::optional<std::string> {
                try {
                    store.note_durable();
                    return store.settle_ledger(before);
                } catch (const spool::DatabaseError& error) {
                    if (!error.disk_full()) throw;
                    return error.what();
                }
            };
            const auto trouble = co_await committer_.with_store(care, stop);
            if (trouble) report_ledger(*trouble);
            const auto shrink = [](spool::QueueStore& store) {
                std::uint64_t given_back = 0;
                if_there_is_room([&] { given_back = store.shrink({}); });
                return given_back;
            };
            const auto given_back = co_await committer_.with_store(shrink, stop);
            if (given_back > 0)
                env_.log.info("queue.db has given back {} MiB", given_back / (1 << 20));
        }
    }

    // Room that messages leave in segments which others are still in.
    Task<> compact(Stop& stop) {
        for (;;) {
            co_await async::sleep_for(env_.loop, kCompactEvery, stop);
            const auto compaction = bodies_.to_compact();
            if (compaction.empty()) continue;
            const auto run = [&] { return compaction.run(); };
            const auto trouble = co_await async::blocking(env_.loop, run);
            if (!trouble.empty()) env_.log.warning("no room is given back: {}", trouble);
        }
    }

    void report(const spool::Recovered& recovered) {
        for (const auto& id : recovered.adopted)
            env_.log.message(id.text(), "taken into the queue from its segment after a crash");
        for (const auto& id : recovered.dropped)
            env_.log.message(
                id.text(),
                "dropped: its body had not reached the disk and it was never acknowledged");
        for (const auto& [id, why] : recovered.damaged)
            env_.log.error("{}: the message is damaged on disk and is kept, not sent: {}",
                           id.text(), why);
        for (const auto& fault : recovered.files)
            env_.log.error("{}", fault.text);
        if (recovered.ledger) report_ledger(*recovered.ledger);
        if (recovered.totals.messages != 0)
            env_.log.info("{} messages are in the queue", recovered.totals.messages);
    }

    void report_ledger(const std::string& trouble) {
        env_.log.error("the ledger is behind, its last lines are kept in queue.db for now: {}",
                       trouble);
    }

    Env& env_;
    Room room_;
    spool::QueueStore store_;
    spool::QueueReader reader_;
    spool::BodyStore bodies_;
    Notifier notifier_;
    Committer committer_;
    Dispatcher dispatcher_;
    Inspection inspection_;
    Admin admin_;
};

}  // namespace

Task<> serve(Env& env, spool::Directory& spool) {
    try {
        Queued queued(env, spool);
        co_await queued.run();
    } catch (const spool::DatabaseError& error) {
        if (error.damaged())
            env.log.error(
                "the queue's database is damaged; stop the instance, then: veredus "
                "spool repair");
        throw;
    }
}

}  // namespace veredus::queued
