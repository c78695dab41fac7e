#include "common/daemon/env.h"

#include <algorithm>
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
    const auto made = mail::QueueId::make(loop.clock().wall_us(), bits).value();
    // Two within a microsecond may draw the same bits; one of the two mails would be refused.
    last_queue_id = mail::QueueId(std::max(made, last_queue_id.value() + 1));
    return last_queue_id;
}

}  // namespace veredus::daemon
