#pragma once

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/admin.h"
#include "common/ipc/channel.h"
#include "daemons/queued/committer.h"
#include "daemons/queued/dispatcher.h"
#include "spool/body/body_store.h"

namespace veredus::queued {

// Answers the administrator's command (common/ipc/admin.h); over `queue_list` only what changes
// nothing.
class Admin {
  public:
    using Channel = ipc::Channel<ipc::admin::Request, ipc::admin::Answer>;

    Admin(daemon::Env& env, Committer& committer, Dispatcher& dispatcher, spool::BodyStore& bodies)
        : env_(env), committer_(committer), dispatcher_(dispatcher), bodies_(bodies) {}

    // One connection, until it goes.
    async::Task<> serve(Channel& channel, async::Stop& stop, bool may_act);

  private:
    async::Task<> list(Channel& channel, ipc::admin::List request, async::Stop& stop);
    async::Task<> act(Channel& channel, ipc::admin::Act request, async::Stop& stop);
    async::Task<> body(Channel& channel, ipc::admin::Body request, async::Stop& stop);
    async::Task<> count(Channel& channel, ipc::admin::Count request, async::Stop& stop);
    async::Task<bool> act_on(mail::QueueId id, ipc::admin::Verb verb, async::Stop& stop);
    async::Task<bool> bounce(mail::QueueId id, async::Stop& stop);
    async::Task<std::vector<spool::Queued>> page(ipc::admin::Filter filter, mail::QueueId after,
                                                 async::Stop& stop);

    daemon::Env& env_;
    Committer& committer_;
    Dispatcher& dispatcher_;
    spool::BodyStore& bodies_;
};

}  // namespace veredus::queued
