#pragma once

#include <optional>
#include <stdexcept>

#include "common/async/blocking.h"
#include "common/async/scope.h"
#include "common/async/wait.h"
#include "common/daemon/env.h"
#include "common/ipc/admin.h"
#include "common/ipc/channel.h"
#include "daemons/queued/committer.h"
#include "daemons/queued/dispatcher.h"
#include "daemons/queued/inspection.h"
#include "daemons/queued/queue_rows.h"
#include "daemons/queued/room.h"
#include "spool/queue/queue_reader.h"

namespace veredus::queued {

// The disk did not let somebody look; nobody else need end for it.
class Unreadable : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Answers the administrator's command (common/ipc/admin.h); over `queue_list` only what lists and
// counts. What looks at the queue does so through a reader of its own, beside the commits; what
// changes it takes turns with them, some hundred messages at a time.
class Admin {
  public:
    using Channel = ipc::Channel<ipc::admin::Request, ipc::admin::Answer>;

    Admin(daemon::Env& env, Committer& committer, Dispatcher& dispatcher,
          spool::QueueReader& reader, Inspection& inspection, const Room& room)
        : env_(env),
          committer_(committer),
          dispatcher_(dispatcher),
          reader_(reader),
          inspection_(inspection),
          room_(room),
          reading_(env.loop, 1) {}

    // One connection, until it goes.
    async::Task<> serve(Channel& channel, async::Stop& stop, bool may_act);

  private:
    async::Task<> list(Channel& channel, ipc::admin::List request, async::Stop& stop);
    async::Task<> match(Channel& channel, ipc::admin::Match request, async::Stop& stop);
    async::Task<> pause(Channel& channel, ipc::admin::Pause request, async::Stop& stop);
    async::Task<std::uint64_t> act_on_all(ipc::admin::Verb verb, mail::QueueFilter meant,
                                          async::Stop& stop);
    async::Task<> act(Channel& channel, ipc::admin::Act request, async::Stop& stop);
    async::Task<> body(Channel& channel, ipc::admin::Body request, async::Stop& stop);
    async::Task<> count(Channel& channel, ipc::admin::Count request, async::Stop& stop);
    async::Task<> flow(Channel& channel, ipc::admin::Flow request, async::Stop& stop);
    async::Task<> shape(Channel& channel, ipc::admin::Shape request, async::Stop& stop);
    async::Task<> check(Channel& channel, ipc::admin::Check request, async::Stop& stop);

    // To how many of the messages it was done.
    async::Task<std::size_t> act_on(std::vector<mail::QueueId> ids, ipc::admin::Verb verb,
                                    async::Stop& stop);
    async::Task<std::size_t> remove(std::vector<mail::QueueId> ids, async::Stop& stop);
    async::Task<std::size_t> bounce(std::vector<mail::QueueId> ids, async::Stop& stop);

    // The filter as the disk can answer it: what is on its way right now is named by its ids.
    // Nothing when no message can match.
    std::optional<mail::QueueFilter> for_disk(mail::QueueFilter filter) const;

    async::Task<> answer(Channel& channel, ipc::admin::Request request, async::Stop& stop);

    // Calls use(reader) in the thread pool, one at a time.
    template <class Use>
    async::Task<std::invoke_result_t<Use&, spool::QueueReader&>> with_reader(Use use,
                                                                             async::Stop& stop) {
        co_await committer_.caught_up(stop);
        const auto turn = co_await reading_.acquire(stop);
        const auto call = [&] {
            try {
                return use(reader_);
            } catch (const spool::DatabaseError& error) {
                throw Unreadable(error.what());
            }
        };
        co_return co_await async::blocking(env_.loop, call);
    }

    daemon::Env& env_;
    Committer& committer_;
    Dispatcher& dispatcher_;
    spool::QueueReader& reader_;
    Inspection& inspection_;
    const Room& room_;
    async::Semaphore reading_;
};

}  // namespace veredus::queued
