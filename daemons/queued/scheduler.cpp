#include "daemons/queued/scheduler.h"

#include <algorithm>
#include <functional>
#include <iterator>
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

void Scheduler::line_up(Destination& destination) {
    if (destination.in_turn || destination.waiting.empty() ||
        destination.active >= destination.limit)
        return;
    destination.in_turn = true;
    turns_[destination.worker].push_back(&destination);
}

void Scheduler::remove_when_idle(Destination& destination) {
    if (destination.in_turn || destination.active != 0 || !destination.waiting.empty()) return;
    destinations_.erase(Key(destination.worker, destination.next_hop));
}

bool Scheduler::add(const config::Config& config, const std::shared_ptr<spool::Envelope>& envelope,
                    std::vector<spool::Recipient> recipients, std::int64_t now_us) {
    if (in_memory_ >= kRecipientsInMemory) return false;
    auto& known = known_[envelope->id.value()];
    if (!known.envelope) known.envelope = envelope;
    known.dropped = false;
    std::map<Key, std::vector<spool::Recipient>> groups;
    for (auto& recipient : recipients) {
        if (!known.recipients.insert(recipient.number).second) continue;
        ++in_memory_;
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
        place.waiting.push_back(std::move(tasks));
        line_up(place);
    }
    return true;
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
    auto& turns = turns_[worker];
    while (!turns.empty()) {
        Destination& place = *turns.front();
        turns.pop_front();
        place.in_turn = false;
        if (place.waiting.empty()) {
            remove_when_idle(place);
            continue;
        }
        auto tasks = std::move(place.waiting.front());
        place.waiting.pop_front();
        Assignment task = std::move(tasks.front());
        tasks.pop_front();
        if (!tasks.empty()) place.waiting.push_back(std::move(tasks));
        ++place.active;
        line_up(place);
        return task;
    }
    return std::nullopt;
}

void Scheduler::finished(const Assignment& task, bool healthy) {
    auto& place = destination(task.worker, task.next_hop);
    if (place.active > 0) --place.active;
    if (task.worker == Worker::relayd)
        place.limit =
            healthy ? std::min(place.limit + 1, kMostJobs) : std::max(place.limit / 2, 1U);
    line_up(place);
    remove_when_idle(place);
}

bool Scheduler::give_back(Assignment task) {
    auto& place = destination(task.worker, task.next_hop);
    if (place.active > 0) --place.active;
    const auto known = known_.find(task.envelope->id.value());
    const bool wanted = known != known_.end() && !known->second.dropped;
    std::deque<Assignment> tasks;
    tasks.push_back(std::move(task));
    if (wanted) {
        place.waiting.push_front(std::move(tasks));
    } else {
        forget_all(tasks);
    }
    line_up(place);
    remove_when_idle(place);
    return wanted;
}

void Scheduler::forget(mail::QueueId message, std::uint32_t recipient) {
    const auto found = known_.find(message.value());
    if (found == known_.end() || found->second.recipients.erase(recipient) == 0) return;
    --in_memory_;
    if (found->second.recipients.empty()) known_.erase(found);
}

void Scheduler::forget_all(const std::deque<Assignment>& tasks) {
    for (const auto& task : tasks) {
        for (const auto& recipient : task.recipients)
            forget(task.envelope->id, recipient.number);
    }
}

std::vector<Scheduler::Busy> Scheduler::busiest(std::size_t most) const {
    std::vector<Busy> busy;
    for (const auto& [key, place] : destinations_)
        busy.push_back(
            {place.worker, place.next_hop, place.active, place.limit, place.waiting.size()});
    const auto middle = busy.begin() + static_cast<std::ptrdiff_t>(std::min(most, busy.size()));
    std::ranges::partial_sort(busy, middle, std::greater(),
                              [](const Busy& b) { return std::pair(b.active, b.waiting); });
    busy.erase(middle, busy.end());
    return busy;
}

void Scheduler::drop(mail::QueueId message) {
    const auto known = known_.find(message.value());
    if (known == known_.end()) return;
    known->second.dropped = true;
    for (auto at = destinations_.begin(); at != destinations_.end();) {
        Destination& place = (at++)->second;  // it may go
        std::erase_if(place.waiting, [&](const std::deque<Assignment>& tasks) {
            if (tasks.front().envelope->id != message) return false;
            forget_all(tasks);
            return true;
        });
        remove_when_idle(place);
    }
}

void Scheduler::drop_waiting() {
    for (auto at = destinations_.begin(); at != destinations_.end();) {
        Destination& place = (at++)->second;
        for (const auto& tasks : place.waiting)
            forget_all(tasks);
        place.waiting.clear();
        remove_when_idle(place);
    }
}

}  // namespace veredus::queued
