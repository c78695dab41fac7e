#pragma once

#include <functional>
#include <map>
#include <memory>

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/channel.h"
#include "common/ipc/intake.h"
#include "daemons/queued/committer.h"
#include "daemons/queued/room.h"
#include "spool/body/body_store.h"

namespace veredus::queued {

// One receiving daemon's connection (common/ipc/intake.h): opens files for it, gathers its
// transactions, answers each when it is on disk. What it was given to write is its own alone; a
// transaction out of turn, or a body that it was not given, cuts it off.
class Intake {
  public:
    using Channel = ipc::Channel<ipc::intake::Request, ipc::intake::Answer>;
    using Accepted = std::function<void(const spool::NewMessage&)>;

    Intake(daemon::Env& env, Committer& committer, spool::BodyStore& bodies, Room& room,
           Accepted accepted);

    // Until the client goes. Throws ProtocolError, Stopped.
    async::Task<> run(Channel& channel, async::Stop& stop);

  private:
    using Recipients = std::vector<ipc::intake::Recipient>;

    void hear(Channel& channel, const ipc::intake::OpenBody& request);
    void hear(Channel& channel, ipc::intake::Recipients first);
    void hear(Channel& channel, ipc::intake::Submit submit);
    void hear(Channel& channel, const ipc::intake::DiscardBody& discard);
    bool claim(const mail::BodyRef& body);

    daemon::Env& env_;
    Committer& committer_;
    spool::BodyStore& bodies_;
    Room& room_;
    Accepted accepted_;
    std::shared_ptr<Channel*> channel_;  // null once the client has gone: nobody to answer
    std::unique_ptr<spool::BodyStore::Lease> segment_;
    std::map<std::uint64_t, std::unique_ptr<spool::BodyStore::Lease>> singles_;
    std::map<std::uint32_t, Recipients> first_recipients_;  // of transactions, before their Submit
};

}  // namespace veredus::queued
