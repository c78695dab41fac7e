#include "daemons/relayd/reach.h"

namespace veredus::relayd {

void Reach::put_in_order(std::vector<Target>& targets, async::Time now) const {
    if (targets.size() < 2 || (rests_.empty() && pending_.empty())) return;
    std::vector<Target> behind;
    std::erase_if(targets, [&](const Target& target) {
        const bool later = is_doubted(target.address, now);
        if (later) behind.push_back(target);
        return later;
    });
    targets.insert(targets.end(), behind.begin(), behind.end());
}

bool Reach::is_doubted(const net::Address& address, async::Time now) const {
    const auto name = address.text();
    const auto oldest = pending_.lower_bound(name);
    if (oldest != pending_.end() && oldest->first == name && now - oldest->second >= kDoubt)
        return true;
    const auto known = rests_.find(name);
    return known != rests_.end() && now < known->second.until;
}

std::optional<Verdict> Reach::refusal(const net::Address& address, async::Time now) {
    const auto known = rests_.find(address.text());
    if (known == rests_.end()) return std::nullopt;
    auto& [until, failures, why] = known->second;
    if (now >= until) {
        until = now + rest_;  // who asks finds out, others meanwhile do not
        return std::nullopt;
    }
    if (failures < kFailures) return std::nullopt;
    Verdict verdict = why;
    verdict.reply = "not tried, for others got no answer a moment ago: " + why.reply;
    return verdict;
}

void Reach::failed(const net::Address& address, Failure how, const Verdict& why, async::Time now) {
    const auto name = address.text();
    if (rests_.size() >= kMost && !rests_.contains(name)) rests_.erase(rests_.begin());
    auto& rest = rests_[name];
    rest.until = now + rest_;
    rest.failures = how == Failure::kNobody ? rest.failures + 1 : 0;
    rest.why = why;
}

}  // namespace veredus::relayd
