#pragma once

#include <uv.h>

#include <functional>
#include <utility>

#include "common/async/loop.h"

namespace veredus::daemon {

// Calls back on a signal until it goes away.
class OnSignal {
  public:
    OnSignal(async::Loop& loop, int number, std::function<void()> then)
        : loop_(loop), then_(std::move(then)), handle_(new uv_signal_t{}) {
        uv_signal_init(loop.uv(), handle_.get());
        handle_->data = this;
        uv_signal_start(
            handle_.get(),
            [](uv_signal_t* handle, int) {
                auto& self = *static_cast<OnSignal*>(handle->data);
                self.then_();
                self.loop_.drain();
            },
            number);
        uv_unref(reinterpret_cast<uv_handle_t*>(handle_.get()));
    }

  private:
    async::Loop& loop_;
    std::function<void()> then_;
    async::UvHandle<uv_signal_t> handle_;
};

}  // namespace veredus::daemon
