#include "common/ipc/hand_over.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "common/async/scope.h"
#include "common/ipc/wire.h"

namespace veredus::ipc {
namespace {

// Longer than any session's own limit: the user's process knows when a client has been silent for
// too long, this only makes sure that nothing stays for ever.
constexpr async::Duration kSilenceMax = std::chrono::hours(1);

// One packet with one descriptor on a fresh socket: it never has to wait.
void give(int session, const carry::Carry& message, int socket) {
    std::string packet;
    encode(carry::Request(message), packet);
    iovec bytes{packet.data(), packet.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* with = CMSG_FIRSTHDR(&header);
    with->cmsg_level = SOL_SOCKET;
    with->cmsg_type = SCM_RIGHTS;
    with->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(CMSG_DATA(with)) = socket;
    if (::sendmsg(session, &header, MSG_NOSIGNAL) < 0)
        throw net::IoError("the user's process has gone");
}

// Carries bytes until `from` ends; what was carried is then out at the other side.
async::Task<> carry_bytes(net::Stream& from, net::Stream& to, net::Stream& client) {
    for (;;) {
        client.deadline(kSilenceMax);
        if (from.buffered().empty()) {
            const bool more = co_await from.more();
            if (!more) break;
        }
        const auto bytes = from.buffered();
        to.put(bytes);
        from.consume(bytes.size());
        co_await to.flush();
    }
    co_await to.shutdown();
}

// Asks both directions to end when the one it lives in has ended, however that came.
struct EndsBoth {
    async::Stop& stop;
    bool half_closed = false;  // only this direction has ended, and in good order
    ~EndsBoth() {
        if (!half_closed) stop.request();
    }
};

// Between a client under TLS and its session, until the session ends.
async::Task<> carry_session(net::Stream& client, net::Stream& session, async::Stop& stop) {
    const auto both = [&](async::Scope& scope) -> async::Task<> {
        scope.spawn([&]() -> async::Task<> {
            EndsBoth end{stop};
            co_await carry_bytes(client, session, client);
            end.half_closed = true;  // the session hears of it and has the last word
        });
        scope.spawn([&]() -> async::Task<> {
            const EndsBoth end{stop};
            co_await carry_bytes(session, client, client);
        });
        co_return;
    };
    co_await async::with_scope(client.loop(), stop, both);
}

bool hung_up(int socket) {
    pollfd watched{socket, 0, 0};
    return ::poll(&watched, 1, 0) > 0;
}

}  // namespace

async::Task<> hand_over(net::Stream& client, net::Descriptor session, carry::Carry carry,
                        async::Stop& stop) {
    if (hung_up(session.get())) throw net::IoError("the user's process has gone");
    carry.secured = client.secured();
    if (!client.secured()) {
        auto released = client.release();
        carry.buffered = std::move(released.buffered);
        give(session.get(), carry, released.socket.get());
        co_return;
    }
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        throw std::system_error(errno, std::system_category(), "socketpair");
    net::Descriptor theirs(pair[1]);
    net::Stream ours(client.loop(), net::Descriptor(pair[0]), stop);
    give(session.get(), carry, theirs.get());
    theirs.reset();
    session.reset();
    co_await carry_session(client, ours, stop);
}

}  // namespace veredus::ipc
