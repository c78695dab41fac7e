#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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

    struct Listing {
        bool with_history = false;
        std::uint64_t limit = 0;  // messages; 0: all
    };
    // Each message is a row, whole, however many packets it took.
    using TakeRow = std::function<void(ipc::admin::Row)>;
    void list(const ipc::admin::Filter& filter, Listing how, const TakeRow& take);
    // How many messages the filter means.
    std::uint64_t match(const ipc::admin::Filter& filter);
    // How many messages it was done to.
    std::uint64_t act(ipc::admin::Verb verb, const ipc::admin::Filter& filter);
    // Done.text says so when it was so already.
    ipc::admin::Done pause(const mail::Pause& mail, bool resume);
    // A file that is the message, from its first byte to its last.
    net::Descriptor body(mail::QueueId id);
    ipc::admin::Depth count();
    ipc::admin::FlowNow flow(std::uint32_t destinations);
    std::vector<ipc::admin::ShapeRow> shape(bool by_sender);
    void check(const std::function<void(ipc::admin::Checked)>& take);

  private:
    void send(const ipc::admin::Request& request);
    // The next packet's messages; its descriptor, if it has one, is kept in `descriptor_`.
    std::vector<ipc::admin::Answer> receive();
    ipc::admin::Answer receive_one();
    template <class Part>
    void receive_all(const std::function<void(Part)>& take);

    net::Descriptor socket_;
    net::Descriptor descriptor_;
};

// Brings the rows of packets together to whole messages.
class RowJoiner {
  public:
    explicit RowJoiner(const AdminLink::TakeRow& take) : take_(take) {}
    void add(ipc::admin::Row row);

  private:
    const AdminLink::TakeRow& take_;
    std::optional<ipc::admin::Row> begun_;
};

// What the words say (mailq::parse_filter), as of now. Throws Failure (EX_USAGE).
ipc::admin::Filter parse_filter(const std::vector<std::string>& words);

}  // namespace veredus
