#include "daemons/queued/lanes.h"
#include "common/mail/address.h"

#include <algorithm>
#include <utility>

#include "common/mail/priority.h"

namespace veredus::queued {
namespace {

constexpr unsigned kTurns = 8;

}  // namespace

std::string sender_of(const spool::Envelope& envelope) {
    if (!envelope.client.auth_user.empty()) return envelope.client.auth_user;
    return mail::domain_of(envelope.reverse_path);
}

Lanes::Urgency Lanes::urgency_of(const spool::Envelope& envelope) {
    if (envelope.priority > 0) return kUrgent;
    return mail::is_bulk(envelope.priority) ? kBulk : kNormal;
}

void Lanes::add(Tasks tasks) {
    const auto& envelope = *tasks.front().envelope;
    auto& line = lines_[urgency_of(envelope)];
    const auto [lane, made] = line.by_sender.try_emplace(sender_of(envelope));
    if (made) line.turns.push_back(lane->first);
    lane->second.push_back(std::move(tasks));
    ++messages_;
}

void Lanes::add_first(Assignment task) {
    auto& line = lines_[urgency_of(*task.envelope)];
    const auto [lane, made] = line.by_sender.try_emplace(sender_of(*task.envelope));
    if (made) line.turns.push_front(lane->first);
    Tasks tasks;
    tasks.push_back(std::move(task));
    lane->second.push_front(std::move(tasks));
    ++messages_;
}

Lanes::Line& Lanes::next_line() {
    const auto waits = [](const Line& line) { return !line.turns.empty(); };
    if (++turn_ % kTurns != 0) return *std::ranges::find_if(lines_, waits);
    return *std::find_if(lines_.rbegin(), lines_.rend(), waits);
}

Assignment Lanes::next() {
    Line& line = next_line();
    const std::string sender = std::move(line.turns.front());
    line.turns.pop_front();
    auto& lane = line.by_sender.find(sender)->second;
    Tasks tasks = std::move(lane.front());
    lane.pop_front();
    --messages_;
    Assignment task = std::move(tasks.front());
    tasks.pop_front();
    if (!tasks.empty()) {
        lane.push_back(std::move(tasks));
        ++messages_;
    }
    if (lane.empty()) {
        line.by_sender.erase(sender);
    } else {
        line.turns.push_back(sender);
    }
    return task;
}

std::vector<Assignment> Lanes::take(const std::function<bool(const Assignment&)>& unwanted) {
    std::vector<Assignment> taken;
    for (auto& line : lines_) {
        for (auto& [sender, lane] : line.by_sender) {
            std::erase_if(lane, [&](Tasks& tasks) {
                std::erase_if(tasks, [&](Assignment& task) {
                    if (!unwanted(task)) return false;
                    taken.push_back(std::move(task));
                    return true;
                });
                if (tasks.empty()) --messages_;
                return tasks.empty();
            });
        }
        std::erase_if(line.by_sender, [](const auto& lane) { return lane.second.empty(); });
        std::erase_if(line.turns,
                      [&](const auto& sender) { return !line.by_sender.contains(sender); });
    }
    return taken;
}

}  // namespace veredus::queued
