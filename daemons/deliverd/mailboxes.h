#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/mailbox.h"
#include "common/ipc/request_link.h"

namespace veredus::deliverd {

// Channels to users' processes, opened when needed and kept while they are used.
class Mailboxes {
  public:
    // Channels' readers live in `scope`.
    Mailboxes(daemon::Env& env, async::Scope& scope);

    // Keeps the link to mailboxd up; to be spawned.
    async::Task<> run(async::Stop& stop) { return parent_.run(stop); }

    // The process's answer; "4.3.0" where there is none. Takes its own duplicate of `body`.
    async::Task<ipc::deliver::Delivered> deliver(std::string user, ipc::deliver::Deliver delivery,
                                                 int body);

  private:
    class Process;
    // A process that is being asked for; others who want it wait.
    struct Opening;

    async::Task<std::shared_ptr<Process>> open(const std::string& user);
    async::Task<std::shared_ptr<Process>> process_of(const std::string& user);
    void close_idle();

    daemon::Env& env_;
    async::Scope& scope_;
    ipc::RequestLink<ipc::open::Request, ipc::open::Answer> parent_;
    std::map<std::string, std::shared_ptr<Process>> processes_;
    std::map<std::string, std::shared_ptr<Opening>> opening_;
};

}  // namespace veredus::deliverd
