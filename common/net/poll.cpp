#include "common/net/poll.h"

#include <cassert>
#include <stdexcept>
#include <utility>

namespace veredus::net {

Poll::Poll(async::Loop& loop, int descriptor) : loop_(loop), handle_(nullptr) {
    auto* handle = new uv_poll_t{};
    if (const int status = uv_poll_init(loop.uv(), handle, descriptor); status != 0) {
        delete handle;
        throw std::runtime_error(std::string("cannot watch a descriptor: ") + uv_strerror(status));
    }
    handle->data = this;
    handle_.reset(handle);
}

void Poll::end() {
    uv_poll_stop(handle_.get());
    loop_.wake(std::exchange(waiting_, nullptr));
}

void Poll::Wait::await_suspend(std::coroutine_handle<> caller) {
    assert(!poll_.waiting_ && "two wait for one descriptor");
    poll_.waiting_ = caller;
    uv_poll_start(poll_.handle_.get(), events_, [](uv_poll_t* handle, int, int) {
        auto& poll = *static_cast<Poll*>(handle->data);
        auto& loop = poll.loop_;
        if (poll.waiting_) poll.end();
        loop.drain();
    });
    hook_.emplace(stop_, [&poll = poll_] {
        if (poll.waiting_) poll.end();
    });
}

void Poll::Wait::await_resume() {
    hook_.reset();
    stop_.check();
}

}  // namespace veredus::net
