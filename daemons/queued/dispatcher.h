#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/admin.h"
#include "common/ipc/channel.h"
#include "common/ipc/work.h"
#include "daemons/queued/committer.h"
#include "daemons/queued/failures.h"
#include "daemons/queued/in_hand.h"
#include "daemons/queued/last_errors.h"
#include "daemons/queued/notify.h"
#include "daemons/queued/parcel.h"
#include "daemons/queued/reasons.h"
#include "daemons/queued/scheduler.h"
#include "daemons/queued/suspensions.h"
#include "daemons/queued/verdicts.h"
#include "daemons/queued/watch.h"
#include "spool/body/body_store.h"

namespace veredus::queued {

// Brings tasks to workers and their outcomes to disk: fills the scheduler (from arrivals, and from
// disk as their time comes), hands jobs out as far as each worker carries, and has what follows
// from their outcomes committed.
class Dispatcher {
  public:
    using Channel = Parcel::Channel;

    Dispatcher(daemon::Env& env, Committer& committer, spool::BodyStore& bodies,
               Notifier& notifier);
    ~Dispatcher() { *alive_ = false; }

    // A message is in the queue, on disk.
    void accepted(const spool::NewMessage& message);
    // Recipients an alias stands for have entered a message.
    void expanded(const spool::NewMessage& message);
    void departed(const spool::Departure& departure);

    // To be spawned: looks for what is due on disk.
    async::Task<> refill(async::Stop& stop);
    // To be spawned: finds and mends what should not be (watch.h).
    async::Task<> watch(async::Stop& stop);
    const ipc::admin::Mended& mended() const { return mended_; }
    // One worker's connection, until it goes.
    async::Task<> serve(Worker worker, Channel& channel, async::Scope& scope);

    // An administrator has changed something: look at the disk again from the beginning.
    void look_again();
    // The configuration has changed: everything that waits is routed again.
    void route_again();
    void drop(std::span<const mail::QueueId> messages);
    // What is on its way goes on.
    void set_pauses(Pauses pauses) { suspensions_.set_pauses(std::move(pauses)); }
    const Pauses& pauses() const { return suspensions_.pauses(); }
    // Next hops and hosts that rest are tried again.
    void forget_rests();
    // Messages that are on their way, in order; and how many jobs those are.
    std::vector<mail::QueueId> active_ids() const;
    std::size_t active_jobs() const;
    // Of the messages behind this one.
    InHand in_hand(mail::QueueId after) const;
    Reasons reasons(bool with_turns) const;
    // Of the busiest destinations at most so many, and behind them those where mail was put off
    // last.
    std::vector<ipc::admin::BusyDestination> busiest(std::size_t most) const;
    // Fails every recipient that is not finished, with this reason.
    void give_up(const spool::Queued& message, const std::string& why);
    // A descriptor through which this message and nothing else can be read. Throws DiskError when
    // descriptors or memory have run out.
    std::expected<net::Descriptor, spool::BodyDamage> open_alone(const mail::BodyRef& body);

  private:
    struct Given {
        Assignment task;  // with the recipients that were not answered yet
        bool reached = true;
    };
    struct Connection {
        Worker worker = Worker::relayd;
        Channel* channel = nullptr;
        async::Stop* stop = nullptr;  // of the connection
        std::uint32_t capacity = 0;
        std::int64_t heard_us = 0;  // when it last said something, or got its first job
        std::map<std::uint64_t, Given> jobs;
        std::deque<std::pair<async::Time, std::uint64_t>> fresh;  // given a moment ago: when, which
    };

    void rewind(const spool::DueCursor& cursor);
    void left_on_disk(const spool::DueCursor& place, Scheduler::Added why);
    void go_back();
    void go_on(bool came_to_the_end);
    bool worth_looking() const;
    // Answers when to look again, if nothing happens before.
    async::Task<std::int64_t> load_due(std::int64_t now_us, async::Stop& stop);
    // What is due, from a place on.
    struct Found {
        struct Message {
            std::optional<spool::Envelope> envelope;  // nothing: it is held now, or gone
            std::vector<spool::Recipient> recipients;
        };
        spool::DueCursor cursor;  // where it goes on
        bool full = false;        // there is more
        std::map<mail::QueueId, Message> messages;
        std::optional<std::int64_t> next_us;  // when there is no more: when the next one is due
    };
    static Found look(spool::DueReader& reader, spool::DueCursor from, std::int64_t now_us);
    // While it lives somebody looks at the disk beside the work. What is settled meanwhile stays
    // known here, and what is dropped is remembered: so nothing is taken for due that was when he
    // began and is no more.
    class Looking {
      public:
        explicit Looking(Dispatcher& dispatcher);
        Looking(const Looking&) = delete;
        Looking& operator=(const Looking&) = delete;
        ~Looking();

      private:
        Dispatcher& dispatcher_;
    };
    void forget(mail::QueueId message, std::uint32_t recipient);
    // Of what was found on disk.
    bool unwanted(mail::QueueId message) const {
        return dropped_meanwhile_.contains(message) || given_up_.contains(message);
    }
    void take(std::map<mail::QueueId, Found::Message> messages, std::int64_t now_us);
    async::Task<> mark_damaged(async::Stop& stop);
    async::Task<> sleep_until(std::int64_t us, async::Stop& stop);
    void due_at(std::int64_t us);

    void watch_workers(std::int64_t now_us);
    async::Task<> watch_disk(std::int64_t now_us, async::Stop& stop);

    void pump_soon();
    void pump();
    bool has_room(Connection& connection);
    bool put_off(Assignment& task);
    void log_put_off(const Assignment& task, const spool::Recipient& recipient,
                     const ipc::work::Outcome& why, std::int64_t now_us);
    void remember_reach(const Assignment& task, bool reached, const Verdicts& verdicts);
    bool send(Connection& connection, Parcel& parcel, Assignment task);
    void damaged(const Assignment& task, const std::string& why);
    void hear(Connection& connection, ipc::work::Outcomes outcomes);
    void lost(Connection& connection);
    void settle(const Assignment& heard, Verdicts verdicts,
                std::function<void()> once_on_disk = {});
    // Those of the message that failed, unless others of it are still being tried.
    void settle_failures(mail::QueueId message);
    void settle_kept(mail::QueueId message);
    void wait_for_late_failures();
    void remember_error(std::string_view next_hop, const Verdicts& verdicts);
    void notify(spool::Envelope& envelope, Verdicts& verdicts, std::vector<spool::NewMessage>& own);
    Reasons::Turns turns() const;
    Judge judge_of(const spool::Envelope& envelope);

    daemon::Env& env_;
    Committer& committer_;
    spool::BodyStore& bodies_;
    Notifier& notifier_;
    Scheduler scheduler_;
    Suspensions suspensions_;
    ipc::admin::Mended mended_;
    std::vector<Connection*> connections_;
    std::uint64_t last_job_ = 0;
    bool pump_planned_ = false;
    async::Timer pump_later_;
    async::Timer next_turn_;          // of a destination with a rate
    spool::DueCursor cursor_;         // what is due before it is in the scheduler, or done
    std::uint64_t cursor_moves_ = 0;  // counts moves backwards
    std::int64_t wake_us_ = 0;        // refill() sleeps until then, or has not yet said
    std::size_t looking_ = 0;         // so many Looking
    std::vector<std::pair<mail::QueueId, std::uint32_t>> settled_meanwhile_;
    std::set<mail::QueueId> dropped_meanwhile_;
    std::multiset<mail::QueueId> given_up_;  // and that is not on disk yet
    bool more_on_disk_ = false;              // due, but memory was full
    // The first recipient that was passed over because a share was full; and where cursor_ was
    // when it went back for such.
    std::optional<spool::DueCursor> passed_over_;
    std::optional<spool::DueCursor> back_from_;
    async::Event look_;
    LastErrors last_errors_;
    Failures failures_;
    async::Timer failures_late_;
    std::vector<std::pair<Assignment, std::string>> to_mark_damaged_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace veredus::queued
