#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/ipc/channel.h"
#include "common/ipc/work.h"
#include "common/net/descriptor.h"

namespace veredus::queued {

// Jobs on their way to one worker that share a file: their messages, and nothing else, lie in it
// one after the other. In memory, and sealed before it goes, so that nobody can change them on the
// way.
class Parcel {
  public:
    using Channel = ipc::Channel<ipc::work::FromWorker, ipc::work::ToWorker>;

    // Sends itself whenever it holds `most` jobs, or as much as a packet carries. A worker gets no
    // more than one at a time where what it hands on must not show other people's mail.
    Parcel(Channel& channel, std::size_t most) : channel_(channel), most_(most) {}

    // Throws spool::DiskError when descriptors or memory have run out; then the parcel is as it was
    // before.
    void add(ipc::work::Job job, std::string_view message);
    void send();

  private:
    Channel& channel_;
    std::size_t most_;
    net::Descriptor file_;
    std::uint64_t length_ = 0;
    std::size_t recipients_ = 0;
    std::vector<ipc::work::Job> jobs_;
};

// A message alone in such a file. Throws as above.
net::Descriptor sealed_copy(std::string_view message);

}  // namespace veredus::queued
