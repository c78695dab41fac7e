#pragma once

#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/daemon/env.h"
#include "common/ipc/host.h"
#include "common/ipc/request_link.h"
#include "common/ipc/work.h"

namespace veredus::deliverd {

// What deliverd asks of locald. Answers come with "4.3.0" where there is none.
class HostUsers {
  public:
    explicit HostUsers(daemon::Env& env);

    // Keeps the link to locald up; to be spawned.
    async::Task<> run(async::Stop& stop) { return link_.run(stop); }

    // Where the owner's mail goes; `list`: where that does. Targets are addresses, names completed
    // by `domain`.
    async::Task<ipc::host_delivery::Expanded> expand(std::string owner, std::string list,
                                                     std::string domain);
    // `address`: the user's, or that of the alias. Takes its own duplicate of `body`.
    async::Task<ipc::host_delivery::Delivered> deliver(std::string owner, std::string target,
                                                       std::string address,
                                                       const ipc::work::Job& job,
                                                       const ipc::work::JobRecipient& recipient,
                                                       int body);

  private:
    daemon::Env& env_;
    ipc::RequestLink<ipc::host_delivery::Request, ipc::host_delivery::Answer> link_;
};

}  // namespace veredus::deliverd
