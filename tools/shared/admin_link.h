#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/config/instance.h"
#include "common/ipc/admin.h"
#include "common/net/descriptor.h"

namespace veredus {

// The administrator's end of queued's link `admin`; it waits for each answer. All throw Failure
// where the instance does not run, does not answer, or says no.
class AdminLink {
  public:
    explicit AdminLink(const config::InstancePaths& paths);

    void list(const ipc::admin::Filter& filter, bool with_history,
              const std::function<void(const ipc::admin::Row&)>& take);
    // How many messages it was done to.
    std::uint64_t act(ipc::admin::Verb verb, const ipc::admin::Filter& filter);
    // A file that is the message, from its first byte to its last.
    net::Descriptor body(mail::QueueId id);
    ipc::admin::Depth count();

  private:
    void send(const ipc::admin::Request& request);
    // The next packet's messages; its descriptor, if it has one, is kept in `descriptor_`.
    std::vector<ipc::admin::Answer> receive();
    ipc::admin::Answer receive_one();

    net::Descriptor socket_;
    net::Descriptor descriptor_;
};

// Queue ids, "from=TEXT" ("from=<>"), "to=TEXT", "domain=NAME"; "all" for the empty filter. Throws
// Failure (EX_USAGE).
ipc::admin::Filter parse_filter(const std::vector<std::string>& words);

}  // namespace veredus
