#include "common/ipc/packets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace veredus::ipc {
namespace {

constexpr std::size_t kUnsentHigh = 512 * 1024;

}  // namespace

Passed send_packet(int socket, const Packet& packet, bool waiting) {
    iovec data{const_cast<char*>(packet.bytes.data()), packet.bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * Packets::kDescriptors)] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (const std::size_t count = packet.descriptors.size(); count != 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        auto* fds = reinterpret_cast<int*>(CMSG_DATA(header));
        for (std::size_t i = 0; i < count; ++i)
            fds[i] = packet.descriptors[i].get();
    }
    for (;;) {
        if (::sendmsg(socket, &message, MSG_NOSIGNAL | (waiting ? 0 : MSG_DONTWAIT)) >= 0)
            return Passed::whole;
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == ENOBUFS ? Passed::none : Passed::gone;
    }
}

Passed receive_packet(int socket, Packet& packet) {
    thread_local std::string block(Packets::kLargest, '\0');
    iovec data{block.data(), block.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * Packets::kDescriptors)];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EAGAIN ? Passed::none : Passed::gone;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const auto* fds = reinterpret_cast<const int*>(CMSG_DATA(header));
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i)
            packet.descriptors.emplace_back(fds[i]);
    }
    if (got == 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Passed::gone;
    packet.bytes.assign(block.data(), static_cast<std::size_t>(got));
    return Passed::whole;
}

Credentials Credentials::of(int descriptor) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return {0, ~0U, ~0U};
    return {peer.pid, peer.uid, peer.gid};
}

bool Credentials::ours() const {
    return uid == ::geteuid() || uid == 0;
}

Packets::Packets(async::Loop& loop, net::Descriptor socket)
    : loop_(loop), socket_(std::move(socket)), drained_(loop) {
    auto* handle = new uv_poll_t{};
    if (const int status = uv_poll_init(loop.uv(), handle, socket_.get()); status != 0) {
        delete handle;
        throw std::runtime_error(std::string("cannot watch a link: ") + uv_strerror(status));
    }
    handle->data = this;
    handle_.reset(handle);
}

Packets::~Packets() {
    assert(receiver_ == nullptr && "somebody waits on a link that goes away");
    *alive_ = false;
}

// Who receives comes back for the next packet within the same turn of the loop: what is to be
// watched is settled once a turn.
void Packets::watch_soon() {
    if (std::exchange(watch_planned_, true)) return;
    loop_.before_waiting([this, alive = alive_] {
        if (*alive) watch();
    });
}

void Packets::watch() {
    watch_planned_ = false;
    const int wanted =
        closed_ ? 0
                : (receiver_ != nullptr ? UV_READABLE : 0) | (unsent_.empty() ? 0 : UV_WRITABLE);
    if (wanted == watched_) return;
    watched_ = wanted;
    if (wanted == 0) {
        uv_poll_stop(handle_.get());
        return;
    }
    uv_poll_start(handle_.get(), wanted, [](uv_poll_t* handle, int status, int events) {
        auto& self = *static_cast<Packets*>(handle->data);
        async::Loop& loop = self.loop_;
        self.on_ready(status != 0 ? UV_READABLE | UV_WRITABLE : events);
        loop.drain();
    });
}

void Packets::on_ready(int events) {
    if ((events & UV_WRITABLE) != 0) send_queued();
    if ((events & UV_READABLE) != 0 && receiver_ != nullptr && take_packet() &&
        receiver_ != nullptr)
        loop_.wake(std::exchange(receiver_, nullptr)->waiting_);
    watch_soon();
}

// True when receive() has something to say: a packet or the end.
bool Packets::take_packet() {
    if (received_ || closed_) return true;
    Packet packet;
    const Passed got = receive_packet(socket_.get(), packet);
    if (got == Passed::whole) received_ = std::move(packet);
    if (got == Passed::gone) close();
    return got != Passed::none;
}

void Packets::close() {
    closed_ = true;
    unsent_.clear();
    unsent_bytes_ = 0;
    drained_.wake_all();
    if (receiver_ != nullptr) loop_.wake(std::exchange(receiver_, nullptr)->waiting_);
    watch();
}

void Packets::send(Packet packet) {
    assert(packet.bytes.size() <= kLargest && packet.descriptors.size() <= kDescriptors);
    if (closed_) return;
    unsent_bytes_ += packet.bytes.size();
    unsent_.push_back(std::move(packet));
    if (unsent_.size() == 1) send_queued();
    watch_soon();
}

void Packets::send_queued() {
    while (!unsent_.empty()) {
        const Passed sent = send_packet(socket_.get(), unsent_.front());
        if (sent == Passed::none) break;
        if (sent == Passed::gone) return close();
        unsent_bytes_ -= unsent_.front().bytes.size();
        unsent_.pop_front();
    }
    if (unsent_bytes_ < kUnsentHigh) drained_.wake_all();
}

async::Task<> Packets::drained(async::Stop& stop) {
    while (unsent_bytes_ >= kUnsentHigh && !closed_)
        co_await drained_.wait(stop);
}

bool Packets::Receive::await_ready() {
    assert(packets_.receiver_ == nullptr && "two receive from one link");
    return stop_.requested() || packets_.take_packet();
}

void Packets::Receive::await_suspend(std::coroutine_handle<> caller) {
    waiting_ = caller;
    packets_.receiver_ = this;
    packets_.watch_soon();
    hook_.emplace(stop_, [this] {
        if (packets_.receiver_ != this) return;
        packets_.receiver_ = nullptr;
        packets_.loop_.wake(waiting_);
        packets_.watch_soon();
    });
}

std::optional<Packet> Packets::Receive::await_resume() {
    hook_.reset();
    if (packets_.received_) return std::exchange(packets_.received_, std::nullopt);
    stop_.check();
    return std::nullopt;
}

net::Descriptor dial(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return {};
    std::memcpy(name.sun_path, path.data(), path.size());
    net::Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return {};
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        return {};
    return socket;
}

}  // namespace veredus::ipc
