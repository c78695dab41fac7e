#pragma once

#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/net/descriptor.h"
#include "common/net/poll.h"

namespace veredus::net {

// A listening socket that was passed in: TCP or UNIX, stream or SEQPACKET.
class Listener {
  public:
    Listener(async::Loop& loop, Descriptor listening);

    // The next connection, non-blocking and close-on-exec. Waits a moment where descriptors have
    // run out. Throws Stopped.
    async::Task<Descriptor> accept(async::Stop& stop);

    int descriptor() const { return listening_.get(); }

  private:
    async::Loop& loop_;
    Descriptor listening_;
    Poll poll_;
};

}  // namespace veredus::net
