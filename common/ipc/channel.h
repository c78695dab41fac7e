#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/ipc/packets.h"
#include "common/ipc/wire.h"

namespace veredus::ipc {

template <class In>
struct Received {
    In message;
    std::vector<net::Descriptor> descriptors;  // the packet's, with its last message
};

// A link as its two ends see it: messages of type Out go, messages of type In come. Small messages
// that are sent in one turn of the loop share a packet; one with a descriptor ends its packet.
template <class In, class Out>
class Channel {
  public:
    Channel(async::Loop& loop, net::Descriptor socket)
        : loop_(loop), packets_(loop, std::move(socket)) {}
    ~Channel() { *alive_ = false; }

    void send(const Out& message) {
        const std::size_t before = gathered_.size();
        encode(message, gathered_);
        if (gathered_.size() > kPacketTarget && before != 0) {
            const std::string last = gathered_.substr(before);
            gathered_.resize(before);
            flush();
            gathered_ = last;
        }
        if (gathered_.size() > kPacketTarget) return flush();
        flush_soon();
    }
    void send(const Out& message, net::Descriptor descriptor) {
        encode(message, gathered_);
        Packet packet{std::exchange(gathered_, {}), {}};
        packet.descriptors.push_back(std::move(descriptor));
        packets_.send(std::move(packet));
    }

    // A packet that was encoded elsewhere, in another thread perhaps.
    void send_packet(std::string encoded) {
        flush();
        packets_.send({std::move(encoded), {}});
    }

    // The next message; nothing once the peer has gone. Throws Stopped, and ProtocolError, after
    // which the channel must be dropped.
    async::Task<std::optional<Received<In>>> receive(async::Stop& stop) {
        while (next_ == messages_.size()) {
            auto packet = co_await packets_.receive(stop);
            if (!packet) co_return std::nullopt;
            messages_ = decode<In>(packet->bytes);
            descriptors_ = std::move(packet->descriptors);
            next_ = 0;
        }
        Received<In> out{std::move(messages_[next_++]), {}};
        if (next_ == messages_.size()) out.descriptors = std::move(descriptors_);
        co_return out;
    }

    bool closed() const { return packets_.closed(); }
    // Back-pressure: until the peer has taken most of what was sent.
    async::Task<> drained(async::Stop& stop) { return packets_.drained(stop); }

  private:
    static constexpr std::size_t kPacketTarget = 48 * 1024;

    void flush() {
        if (gathered_.empty()) return;
        packets_.send({std::exchange(gathered_, {}), {}});
    }
    void flush_soon() {
        if (flush_planned_) return;
        flush_planned_ = true;
        loop_.before_waiting([this, alive = alive_] {
            if (!*alive) return;
            flush_planned_ = false;
            flush();
        });
    }

    async::Loop& loop_;
    Packets packets_;
    std::string gathered_;
    bool flush_planned_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::vector<In> messages_;
    std::size_t next_ = 0;
    std::vector<net::Descriptor> descriptors_;
};

}  // namespace veredus::ipc
