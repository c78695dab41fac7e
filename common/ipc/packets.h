#pragma once

#include <uv.h>

#include <coroutine>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/wait.h"
#include "common/net/descriptor.h"

namespace veredus::ipc {

// Who is at the other end of a UNIX socket (SO_PEERCRED).
struct Credentials {
    int pid = 0;
    unsigned uid = 0;
    unsigned gid = 0;
    static Credentials of(int descriptor);
    // Our own uid or root's: what a link between daemons of one instance accepts where each has the
    // same uid.
    bool ours() const;
};

struct Packet {
    std::string bytes;
    std::vector<net::Descriptor> descriptors;
};

// A packet on a socket that no loop watches, for processes without one. `waiting`: until the kernel
// has room for it; else `none` says that it has not.
enum class Passed { whole, none, gone };
Passed send_packet(int socket, const Packet& packet, bool waiting = false);
// Does not wait. `gone` also of a peer who broke the limits below.
Passed receive_packet(int socket, Packet& packet);

// A connected SOCK_SEQPACKET socket under a loop. Sending never waits: what the kernel does not
// take is kept in order.
class Packets {
  public:
    static constexpr std::size_t kLargest = 128 * 1024;  // bytes of a packet
    static constexpr std::size_t kDescriptors = 8;       // of a packet

    Packets(async::Loop& loop, net::Descriptor socket);
    ~Packets();
    Packets(const Packets&) = delete;
    Packets& operator=(const Packets&) = delete;

    void send(Packet packet);
    bool closed() const { return closed_; }
    std::size_t unsent() const { return unsent_bytes_; }

    class [[nodiscard]] Receive;
    // The next packet; nothing once the peer has gone. Throws Stopped.
    Receive receive(async::Stop& stop);
    // Until less than half a megabyte waits to be sent, or the peer has gone.
    async::Task<> drained(async::Stop& stop);

  private:
    void watch_soon();
    void watch();
    void on_ready(int events);
    bool take_packet();
    void send_queued();
    void close();

    async::Loop& loop_;
    net::Descriptor socket_;
    async::UvHandle<uv_poll_t> handle_;
    int watched_ = 0;
    bool watch_planned_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool closed_ = false;
    std::optional<Packet> received_;
    Receive* receiver_ = nullptr;
    std::deque<Packet> unsent_;
    std::size_t unsent_bytes_ = 0;
    async::WaitList drained_;
};

class Packets::Receive {
  public:
    Receive(Packets& packets, async::Stop& stop) : packets_(packets), stop_(stop) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> caller);
    std::optional<Packet> await_resume();

  private:
    friend class Packets;
    Packets& packets_;
    async::Stop& stop_;
    std::coroutine_handle<> waiting_;
    std::optional<async::Stop::Hook> hook_;
};

inline Packets::Receive Packets::receive(async::Stop& stop) {
    return {*this, stop};
}

// Connects to a link's socket; an empty descriptor where nobody listens. Does not wait.
net::Descriptor dial(const std::string& path);

}  // namespace veredus::ipc
