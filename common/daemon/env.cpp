#include "common/daemon/env.h"

#include <stdexcept>

#include "common/mail/queue_id.h"

namespace veredus::daemon {

std::vector<net::Descriptor> Env::take_sockets(const std::string& name) {
    std::vector<net::Descriptor> out;
    auto [from, to] = sockets.equal_range(name);
    for (auto at = from; at != to; ++at)
        out.push_back(std::move(at->second));
    sockets.erase(from, to);
    return out;
}

const std::string& Env::link(const std::string& name) const {
    const auto found = links.find(name);
    if (found == links.end())
        throw std::runtime_error("no path for the link '" + name +
                                 "': VEREDUS_DIAL does not name it");
    return found->second;
}

mail::QueueId Env::new_queue_id() {
    std::uint16_t bits = 0;
    random(&bits, sizeof bits);
    return mail::QueueId::make(loop.clock().wall_us(), bits);
}

}  // namespace veredus::daemon
