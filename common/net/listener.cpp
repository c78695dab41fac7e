#include "common/net/listener.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/async/time.h"

namespace veredus::net {

using async::Stop;
using async::Task;

Listener::Listener(async::Loop& loop, Descriptor listening)
    : loop_(loop), listening_(std::move(listening)), poll_(loop, listening_.get()) {
    ::fcntl(listening_.get(), F_SETFL, ::fcntl(listening_.get(), F_GETFL) | O_NONBLOCK);
}

Task<Descriptor> Listener::accept(Stop& stop) {
    for (;;) {
        stop.check();
        const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) co_return Descriptor(fd);
        switch (errno) {
            case EAGAIN:
                co_await poll_.wait(UV_READABLE, stop);
                break;
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM:
                co_await async::sleep_for(loop_, std::chrono::milliseconds(50), stop);
                break;
            default:  // the client has gone again (ECONNABORTED and the like)
                break;
        }
    }
}

}  // namespace veredus::net
