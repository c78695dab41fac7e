#include "daemons/relayd/reach.h"

namespace veredus::relayd {

void Reach::put_in_order(std::vector<Target>& targets, async::Time now) {
    if (targets.size() < 2 || (rests_.empty() && pending_.empty())) return;
    std::vector<Target> behind;
    std::erase_if(targets, [&](const Target& target) {
        const bool later = rests(target.address, now);
        if (later) behind.push_back(target);
        return later;
    });
    targets.insert(targets.end(), behind.begin(), behind.end());
}

void Reach::failed(const net::Address& address, async::Time now) {
    if (rests_.size() >= kMost) rests_.erase(rests_.begin());
    rests_[address.text()] = now + kRest;
}

bool Reach::rests(const net::Address& address, async::Time now) {
    const auto oldest = pending_.lower_bound(address.text());
    if (oldest != pending_.end() && oldest->first == address.text() &&
        now - oldest->second >= kDoubt)
        return true;
    const auto known = rests_.find(address.text());
    if (known == rests_.end()) return false;
    if (now < known->second) return true;
    known->second = now + kRest;  // who asks finds out, others meanwhile do not
    return false;
}

}  // namespace veredus::relayd
