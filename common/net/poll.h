#pragma once

#include <uv.h>

#include <coroutine>
#include <optional>

#include "common/async/loop.h"
#include "common/async/stop.h"

namespace veredus::net {

// Readiness of a descriptor that it does not own, for one waiter at a time. Wait for both
// directions with two of these on two descriptors (dup); libuv allows one watcher a descriptor.
class Poll {
  public:
    Poll(async::Loop& loop, int descriptor);

    class [[nodiscard]] Wait {
      public:
        Wait(Poll& poll, int events, async::Stop& stop)
            : poll_(poll), events_(events), stop_(stop) {}
        bool await_ready() const { return stop_.requested(); }
        void await_suspend(std::coroutine_handle<> caller);
        void await_resume();  // throws Stopped

      private:
        Poll& poll_;
        int events_;
        async::Stop& stop_;
        std::optional<async::Stop::Hook> hook_;
    };
    // Until one of `events` (UV_READABLE, UV_WRITABLE) holds, or the descriptor has an error.
    Wait wait(int events, async::Stop& stop) { return {*this, events, stop}; }

  private:
    void end();

    async::Loop& loop_;
    async::UvHandle<uv_poll_t> handle_;
    std::coroutine_handle<> waiting_;
};

}  // namespace veredus::net
