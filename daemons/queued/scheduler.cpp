#include "daemons/queued/scheduler.h"

#include <algorithm>

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

void Scheduler::tidy(Destination& destination) {
    if (destination.in_turn || destination.active != 0 || !destination.waiting.empty()) return;
    destinations_.erase(Key(destination.worker, destination.next_hop));
}

bool Scheduler::add(const config::Config& config,
                    const std::shared_ptr<const spool::Envelope>& envelope,
                    std::vector<spool::Recipient> recipients, std::int64_t now_us) {
    if (!has_room()) return false;
    auto& known = known_[envelope->id.value()];
    std::map<Key, std::vector<spool::Recipient>> groups;
    for (auto& recipient : recipients) {
        if (!known.insert(recipient.number).second) continue;
        ++in_memory_;
        auto route = route_for(config, recipient.destination);
        groups[Key(route.worker, std::move(route.next_hop))].push_back(std::move(recipient));
    }
    for (auto& [key, group] : groups) {
        auto& place = destination(key.first, key.second);
        for (std::size_t from = 0; from < group.size(); from += ipc::work::kRecipientsPerJob) {
            const auto begin = group.begin() + static_cast<std::ptrdiff_t>(from);
            const auto end =
                group.begin() + static_cast<std::ptrdiff_t>(
                                    std::min(from + ipc::work::kRecipientsPerJob, group.size()));
            place.waiting.push_back({envelope,
                                     key.first,
                                     key.second,
                                     {std::make_move_iterator(begin), std::make_move_iterator(end)},
                                     now_us});
        }
        line_up(place);
    }
    return true;
}

bool Scheduler::knows(mail::QueueId message, std::uint32_t recipient) const {
    const auto found = known_.find(message.value());
    return found != known_.end() && found->second.contains(recipient);
}

std::optional<Assignment> Scheduler::next(Worker worker) {
    auto& turns = turns_[worker];
    while (!turns.empty()) {
        Destination& place = *turns.front();
        turns.pop_front();
        place.in_turn = false;
        if (place.waiting.empty()) {
            tidy(place);
            continue;
        }
        Assignment task = std::move(place.waiting.front());
        place.waiting.pop_front();
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
    tidy(place);
}

void Scheduler::forget(mail::QueueId message, std::uint32_t recipient) {
    const auto found = known_.find(message.value());
    if (found == known_.end() || found->second.erase(recipient) == 0) return;
    --in_memory_;
    if (found->second.empty()) known_.erase(found);
}

void Scheduler::give_back(Assignment task) {
    auto& place = destination(task.worker, task.next_hop);
    if (place.active > 0) --place.active;
    place.waiting.push_front(std::move(task));
    line_up(place);
}

void Scheduler::drop(mail::QueueId message) {
    for (auto& [key, place] : destinations_) {
        std::erase_if(place.waiting, [&](const Assignment& task) {
            if (task.envelope->id != message) return false;
            for (const auto& recipient : task.recipients)
                forget(message, recipient.number);
            return true;
        });
    }
}

}  // namespace veredus::queued
