#include "spool/queue/entrance.h"

namespace veredus::spool {

bool Entrance::may_go_ahead(const NewMessage& message, bool wanted) {
    const auto& body = message.envelope.body;
    if (!arrived_.recoverable(body)) arrived_.move(bodies_.segments());
    const bool fresh = is_new(message.envelope.id);
    const bool ahead = wanted && fresh && arrived_.recoverable(body);
    arrived_.pass(body);
    if (ahead) bodies_.keep_open(body.file);
    return ahead;
}

bool Entrance::is_new(mail::QueueId id) {
    if (id <= known_ || !ids_.insert(id).second) return false;
    if (ids_.size() > kIds) {
        known_ = *ids_.begin();
        ids_.erase(ids_.begin());
    }
    return true;
}

}  // namespace veredus::spool
