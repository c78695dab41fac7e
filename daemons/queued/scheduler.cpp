#include "daemons/queued/scheduler.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "common/ipc/work.h"

namespace veredus::queued {

Scheduler::Destination& Scheduler::destination(Worker worker, const std::string& next_hop) {
    const auto [at, made] = destinations_.try_emplace(Key(worker, next_hop));
    if (made) {
        at->second.worker = worker;
        at->second.next_hop = next_hop;
        if (worker == Worker::deliverd) at->second.limit = kMostLocal;
    }
    return at->second;
}

void Scheduler::line_up(Destination& destination, Flow flow) {
    if (destination.in_turn || destination.waiting.empty() ||
        destination.active >= destination.limit)
        return;
    destination.in_turn = true;
    auto& turns = turns_[destination.worker];
    (flow == Flow::kNew ? turns.fresh : turns.others).push_back(&destination);
}

void Scheduler::remove_when_idle(Destination& destination) {
    if (destination.in_turn || destination.active != 0 || !destination.waiting.empty()) return;
    destinations_.erase(Key(destination.worker, destination.next_hop));
}

Scheduler::Added Scheduler::add(const config::Config& config,
                                const std::shared_ptr<spool::Envelope>& envelope,
                                std::vector<spool::Recipient> recipients, std::int64_t now_us) {
    if (in_memory_ >= kRecipientsInMemory) return Added::kMemoryIsFull;
    auto& sender = senders_[sender_of(*envelope)];
    if (sender.recipients >= kRecipientsOfSender) {
        set(sender, Sender::Appetite::kHadEnough);
        return Added::kSenderHasEnough;
    }
    auto& known = known_[envelope->id.value()];
    if (!known.envelope) known.envelope = envelope;
    known.sender = &sender;
    known.dropped = false;
    std::map<Key, std::vector<spool::Recipient>> groups;
    for (auto& recipient : recipients) {
        if (!known.recipients.insert(recipient.number).second) continue;
        ++in_memory_;
        ++sender.recipients;
        auto route = route_for(config, recipient.destination);
        groups[Key(route.worker, std::move(route.next_hop))].push_back(std::move(recipient));
    }
    for (auto& [key, group] : groups) {
        std::deque<Assignment> tasks;
        for (auto& recipient : group) {
            if (tasks.empty() || tasks.back().recipients.size() == ipc::work::kRecipientsPerJob)
                tasks.push_back({known.envelope, key.first, key.second, {}, now_us});
            tasks.back().recipients.push_back(std::move(recipient));
        }
        auto& place = destination(key.first, key.second);
        const bool idle = place.waiting.empty() && place.active == 0;
        place.waiting.add(std::move(tasks));
        line_up(place, idle ? Flow::kNew : Flow::kOld);
    }
    return Added::kYes;
}

void Scheduler::fed() {
    for (auto& [name, sender] : senders_) {
        if (sender.appetite == Sender::Appetite::kHungry) set(sender, Sender::Appetite::kNone);
    }
    std::erase_if(senders_, [](const auto& entry) { return entry.second.recipients == 0; });
}

void Scheduler::set(Sender& sender, Sender::Appetite appetite) {
    if (sender.appetite == Sender::Appetite::kHungry) --hungry_;
    sender.appetite = appetite;
    if (sender.appetite == Sender::Appetite::kHungry) ++hungry_;
}

// One recipient of his.
void Scheduler::left(Sender& sender) {
    --in_memory_;
    --sender.recipients;
    if (sender.appetite == Sender::Appetite::kHadEnough &&
        sender.recipients < kRecipientsOfSender / 2)
        set(sender, Sender::Appetite::kHungry);
}

bool Scheduler::knows(mail::QueueId message, std::uint32_t recipient) const {
    const auto found = known_.find(message.value());
    return found != known_.end() && found->second.recipients.contains(recipient);
}

std::shared_ptr<spool::Envelope> Scheduler::envelope(mail::QueueId message) const {
    const auto found = known_.find(message.value());
    return found == known_.end() ? nullptr : found->second.envelope;
}

std::optional<Assignment> Scheduler::next(Worker worker) {
    auto& [fresh, others] = turns_[worker];
    while (!fresh.empty() || !others.empty()) {
        auto& turns = fresh.empty() ? others : fresh;
        Destination& place = *turns.front();
        turns.pop_front();
        place.in_turn = false;
        if (place.waiting.empty()) {
            remove_when_idle(place);
            continue;
        }
        Assignment task = place.waiting.next();
        ++place.active;
        line_up(place);
        return task;
    }
    return std::nullopt;
}

void Scheduler::finished(const Assignment& task, End end) {
    auto& place = destination(task.worker, task.next_hop);
    if (place.active > 0) --place.active;
    if (task.worker == Worker::relayd && end == End::kReached)
        place.limit = std::min(place.limit + 1, kMostJobs);
    if (task.worker == Worker::relayd && end == End::kNotReached)
        place.limit = std::max(place.limit / 2, 1U);
    line_up(place);
    remove_when_idle(place);
}

bool Scheduler::give_back(Assignment task) {
    auto& place = destination(task.worker, task.next_hop);
    if (place.active > 0) --place.active;
    const auto known = known_.find(task.envelope->id.value());
    const bool wanted = known != known_.end() && !known->second.dropped;
    if (wanted) {
        place.waiting.add_first(std::move(task));
    } else {
        forget_all({std::move(task)});
    }
    line_up(place);
    remove_when_idle(place);
    return wanted;
}

void Scheduler::forget(mail::QueueId message, std::uint32_t recipient) {
    const auto found = known_.find(message.value());
    if (found == known_.end() || found->second.recipients.erase(recipient) == 0) return;
    Sender& sender = *found->second.sender;
    left(sender);
    if (!found->second.recipients.empty()) return;
    if (sender.recipients == 0 && sender.appetite == Sender::Appetite::kNone)
        senders_.erase(sender_of(*found->second.envelope));
    known_.erase(found);
}

void Scheduler::forget_all(const std::vector<Assignment>& tasks) {
    for (const auto& task : tasks) {
        for (const auto& recipient : task.recipients)
            forget(task.envelope->id, recipient.number);
    }
}

std::vector<Scheduler::Busy> Scheduler::busiest(std::size_t most) const {
    std::vector<Busy> busy;
    for (const auto& [key, place] : destinations_)
        busy.push_back(
            {place.worker, place.next_hop, place.active, place.limit, place.waiting.messages()});
    const auto middle = busy.begin() + static_cast<std::ptrdiff_t>(std::min(most, busy.size()));
    std::ranges::partial_sort(busy, middle, std::greater(),
                              [](const Busy& b) { return std::pair(b.active, b.waiting); });
    busy.erase(middle, busy.end());
    return busy;
}

void Scheduler::drop(std::span<const mail::QueueId> messages) {
    std::unordered_set<std::uint64_t> dropped;
    for (const auto id : messages) {
        const auto known = known_.find(id.value());
        if (known == known_.end()) continue;
        known->second.dropped = true;
        dropped.insert(id.value());
    }
    if (dropped.empty()) return;
    take_out([&](const auto& task) { return dropped.contains(task.envelope->id.value()); });
}

void Scheduler::drop_waiting() {
    take_out([](const auto&) { return true; });
}

void Scheduler::take_out(const std::function<bool(const Assignment&)>& unwanted) {
    for (auto at = destinations_.begin(); at != destinations_.end();) {
        Destination& place = (at++)->second;  // it may go
        forget_all(place.waiting.take(unwanted));
        remove_when_idle(place);
    }
}

}  // namespace veredus::queued
