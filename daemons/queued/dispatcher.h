#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/channel.h"
#include "common/ipc/work.h"
#include "daemons/queued/committer.h"
#include "daemons/queued/notify.h"
#include "daemons/queued/scheduler.h"
#include "spool/body/body_store.h"

namespace veredus::queued {

// Brings tasks to workers and their outcomes to disk: fills the scheduler (from arrivals, and from
// disk as their time comes), hands jobs out as far as each worker carries, and decides what an
// outcome means: done, try again when, or given up and told.
class Dispatcher {
  public:
    using Channel = ipc::Channel<ipc::work::FromWorker, ipc::work::ToWorker>;

    Dispatcher(daemon::Env& env, Committer& committer, spool::BodyStore& bodies,
               Notifier& notifier);

    // A message is in the queue, on disk.
    void accepted(const spool::NewMessage& message);
    // Recipients an alias stands for have entered a message.
    void expanded(const spool::NewMessage& message);
    void departed(const spool::Departure& departure);

    // To be spawned: looks for what is due on disk.
    async::Task<> refill(async::Stop& stop);
    // One worker's connection, until it goes.
    async::Task<> serve(Worker worker, Channel& channel, async::Scope& scope);

    // An administrator has changed something: look at the disk again from the beginning.
    void look_again();
    void drop(mail::QueueId message) { scheduler_.drop(message); }
    bool active(mail::QueueId message) const { return on_the_way_.contains(message); }
    std::uint64_t active_messages() const { return on_the_way_.size(); }
    // Fails every recipient that is not finished, with this reason.
    void give_up(const spool::Queued& message, const std::string& why);
    // A descriptor through which this message and nothing else can be read, from its beginning;
    // nothing if the disk does not give it.
    std::optional<net::Descriptor> open_alone(const mail::BodyRef& body);
    void pump_soon();

  private:
    struct Connection {
        Worker worker = Worker::relayd;
        Channel* channel = nullptr;
        std::uint32_t capacity = 0;
        std::map<std::uint64_t, Assignment> jobs;
    };

    void pump();
    bool send(Connection& connection, Assignment task);
    void damaged(const Assignment& task, const std::string& why);
    void hear(Connection& connection, ipc::work::Outcomes outcomes);
    void lost(Connection& connection);

    struct Verdicts;
    void judge(const Assignment& task, const spool::Recipient& recipient,
               ipc::work::Outcome outcome, Verdicts& verdicts);
    void judge_temporary(const Assignment& task, const spool::Recipient& recipient,
                         spool::Outcome& out, Verdicts& verdicts);
    void report(mail::Action action, const Assignment& task, const spool::Recipient& recipient,
                const spool::Outcome& out, Verdicts& verdicts);
    void notify(const Assignment& task, Verdicts& verdicts);

    daemon::Env& env_;
    Committer& committer_;
    spool::BodyStore& bodies_;
    Notifier& notifier_;
    Scheduler scheduler_;
    std::vector<Connection*> connections_;
    std::uint64_t last_job_ = 0;
    bool pump_planned_ = false;
    spool::DueCursor cursor_;
    async::Event look_;
    std::unordered_map<std::uint64_t, std::shared_ptr<const spool::Envelope>>
        envelopes_;  // of what is in memory
    std::multiset<mail::QueueId> on_the_way_;
    std::set<mail::QueueId> delay_noticed_;
    std::vector<std::pair<mail::QueueId, std::string>> to_mark_damaged_;
};

}  // namespace veredus::queued
