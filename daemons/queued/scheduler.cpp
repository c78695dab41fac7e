#include "daemons/queued/scheduler.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "common/ipc/work.h"
#include "common/mail/priority.h"

namespace veredus::queued {

Scheduler::Destination& Scheduler::destination(const config::Config& config, const Route& route) {
    const auto [at, made] = destinations_.try_emplace(Key(route.worker, route.next_hop));
    Destination& place = at->second;
    if (made) {
        place.worker = route.worker;
        place.next_hop = route.next_hop;
        if (route.worker == Worker::deliverd)
            place.limit = kMostLocal;
        else
            place.proven = proven_.contains(place.next_hop);
        limit(place, config);
    }
    return place;
}

Scheduler::Destination& Scheduler::destination(const Assignment& task) {
    return destinations_.at(Key(task.worker, task.next_hop));
}

std::uint32_t Scheduler::most(const Destination& destination) {
    if (destination.worker == Worker::deliverd) return kMostLocal;
    return destination.limits.connections != 0 ? destination.limits.connections : kMostJobs;
}

void Scheduler::limit(Destination& destination, const config::Config& config) {
    if (destination.worker == Worker::deliverd) return;
    destination.limits = config.limits_for(destination.next_hop);
    destination.limit = std::min(destination.limit, most(destination));
}

void Scheduler::set_limits(const config::Config& config) {
    for (auto at = destinations_.begin(); at != destinations_.end();) {
        Destination& place = (at++)->second;  // it may go
        limit(place, config);
        place.not_before = {};
        wake(place);
    }
}

config::DestinationLimits Scheduler::limits_of(const Assignment& task) const {
    return destinations_.at(Key(task.worker, task.next_hop)).limits;
}

void Scheduler::line_up(Destination& destination, Flow flow) {
    // It may have been reached meanwhile, or a letter have come to one that was held for its bulk.
    if (destination.standing == Standing::kHeld) {
        if (!may_go(destination)) return put_in_its_place(destination);
        let_go(destination);
    }
    if (destination.standing != Standing::kAside || destination.waiting.empty() ||
        destination.active >= destination.limit)
        return;
    destination.standing = Standing::kInTurn;
    auto& turns = turns_[destination.worker];
    (flow == Flow::kNew ? turns.fresh : turns.others).push_back(&destination);
}

// When so many `more` have gone.
bool Scheduler::may_go(const Destination& destination, std::uint32_t more) const {
    if (destination.worker != Worker::relayd) return true;
    const bool bulk = destination.waiting.bulk_alone();
    if (bulk && !has_part(kBulk, active_ + more)) return false;
    return destination.proven || has_part(bulk ? kUnprovenBulk : kUnproven, unproven_ + more);
}

Scheduler::Held Scheduler::kind_of(const Destination& destination) {
    if (!destination.waiting.bulk_alone()) return Held::kLetters;
    return destination.proven ? Held::kBulk : Held::kUnprovenBulk;
}

// Out of the turns until fewer jobs of its kind are on their way.
void Scheduler::hold(Destination& destination) {
    destination.standing = Standing::kHeld;
    destination.held.second = ++last_held_;
    put_in_its_place(destination);
}

// Among the held; what it has may have changed.
void Scheduler::put_in_its_place(Destination& destination) {
    held_.erase(destination.held);
    destination.held.first = kind_of(destination);
    held_.emplace(destination.held, &destination);
}

void Scheduler::let_go(Destination& destination) {
    held_.erase(destination.held);
    destination.standing = Standing::kAside;
}

// As many as there is room for.
void Scheduler::let_go_of_held() {
    std::uint32_t gone = 0;
    for (auto kind = Held::kLetters; kind != Held::kKinds;) {
        const auto first = held_.lower_bound({kind, 0});
        const bool any = first != held_.end() && first->first.first == kind;
        if (any && kind_of(*first->second) != kind) {
            put_in_its_place(*first->second);
        } else if (any && may_go(*first->second, gone)) {
            ++gone;
            auto& place = *first->second;
            let_go(place);
            line_up(place, kind == Held::kLetters ? Flow::kNew : Flow::kOld);
            remove_when_idle(place);
        } else {
            kind = static_cast<Held>(static_cast<std::uint8_t>(kind) + 1);
        }
    }
}

// One of its jobs.
void Scheduler::ended(Destination& destination) {
    if (destination.active > 0) {
        --destination.active;
        if (destination.worker == Worker::relayd) --active_;
    }
    if (destination.unproven == 0) return;
    --destination.unproven;
    --unproven_;
}

void Scheduler::prove(Destination& destination, bool reached) {
    destination.proven = reached;
    if (!reached) {
        proven_.erase(destination.next_hop);
        return;
    }
    if (proven_.size() >= kMostProven) proven_.clear();
    proven_.insert(destination.next_hop);
    unproven_ -= std::exchange(destination.unproven, 0U);
}

// Out of the turns until its rate allows more.
void Scheduler::pace(Destination& destination) {
    destination.standing = Standing::kPaced;
    destination.paced_until = destination.not_before;
    paced_.emplace(destination.paced_until, &destination);
}

void Scheduler::wake(Destination& destination) {
    if (destination.standing == Standing::kPaced) {
        paced_.erase({destination.paced_until, &destination});
        destination.standing = Standing::kAside;
    }
    line_up(destination);
    if (idle(destination)) destinations_.erase(Key(destination.worker, destination.next_hop));
}

Scheduler::Coming Scheduler::coming(Worker worker) const {
    const auto found = turns_.find(worker);
    if (found == turns_.end()) return Coming::kNothing;
    const auto& [fresh, others] = found->second;
    if (!fresh.empty()) return Coming::kFirst;
    if (others.empty()) return Coming::kNothing;
    return others.front()->waiting.bulk_alone() ? Coming::kBulk : Coming::kLetter;
}

std::optional<async::Time> Scheduler::next_turn() const {
    if (paced_.empty()) return std::nullopt;
    return paced_.begin()->first;
}

bool Scheduler::idle(const Destination& destination) {
    return destination.standing == Standing::kAside && destination.active == 0 &&
           destination.waiting.empty() && destination.share.empty();
}

// One with a rate is remembered until it may have more.
void Scheduler::remove_when_idle(Destination& destination) {
    if (!idle(destination)) return;
    if (destination.limits.rate.count != 0) return pace(destination);
    destinations_.erase(Key(destination.worker, destination.next_hop));
}

Scheduler::Sender Scheduler::sender_in(const spool::Envelope& envelope) {
    return {sender_of(envelope), mail::is_bulk(envelope.priority)};
}

Scheduler::Added Scheduler::add(const config::Config& config,
                                const std::shared_ptr<spool::Envelope>& envelope,
                                std::vector<spool::Recipient> recipients, std::int64_t now_us) {
    if (in_memory_ >= kRecipientsInMemory) return Added::kMemoryIsFull;
    const auto name = sender_in(*envelope);
    auto& sender = senders_[name];
    if (sender.recipients >= kShare) {
        set(sender, Share::Appetite::kHadEnough);
        return Added::kShareIsFull;
    }
    auto& known = known_[envelope->id.value()];
    if (!known.envelope) known.envelope = envelope;
    known.sender = &sender;
    known.dropped = false;
    auto added = Added::kYes;
    std::unordered_map<std::string, Destination*> places;  // by domain
    std::unordered_map<Destination*, std::deque<Assignment>> tasks;
    for (auto& recipient : recipients) {
        if (known.recipients.contains(recipient.number)) continue;
        auto& place = places[recipient.destination];
        if (place == nullptr)
            place = &destination(config, route_for(config, recipient.destination));
        if (!take_share(sender, *place)) {
            added = Added::kShareIsFull;
            continue;
        }
        known.recipients.emplace(recipient.number, place);
        auto& of_place = tasks[place];
        if (of_place.empty() || of_place.back().recipients.size() == together(*place))
            of_place.push_back({known.envelope, place->worker, place->next_hop, {}, now_us});
        of_place.back().recipients.push_back(std::move(recipient));
    }
    if (known.recipients.empty()) known_.erase(envelope->id.value());
    if (sender.empty()) senders_.erase(name);
    std::vector<Destination*> by_name;
    for (const auto& [place, waiting] : tasks)
        by_name.push_back(place);
    std::ranges::sort(by_name, {}, [](const Destination* place) {
        return std::tie(place->worker, place->next_hop);
    });
    for (auto* place : by_name) {
        const bool idle = place->waiting.empty() && place->active == 0;
        place->waiting.add(std::move(tasks.at(place)));
        line_up(*place, idle && !mail::is_bulk(envelope->priority) ? Flow::kNew : Flow::kOld);
    }
    return added;
}

// Of a message's recipients so many go in one transaction.
std::size_t Scheduler::together(const Destination& destination) {
    const auto most = destination.limits.recipients;
    return most != 0 ? most : ipc::work::kRecipientsPerJob;
}

// Of a next hop for which many wait, others take no more than what leaves room for who has few.
bool Scheduler::take_share(Share& sender, Destination& destination) {
    const std::size_t most = sender.recipients < kFew ? 2 * kShare : kShare;
    if (destination.worker == Worker::relayd && destination.share.recipients >= most) {
        set(destination.share, Share::Appetite::kHadEnough);
        return false;
    }
    ++in_memory_;
    ++sender.recipients;
    ++destination.share.recipients;
    return true;
}

void Scheduler::fed() {
    const auto has_eaten = [this](Share& share) {
        if (share.appetite == Share::Appetite::kHungry) set(share, Share::Appetite::kNone);
    };
    for (auto& [name, sender] : senders_)
        has_eaten(sender);
    std::erase_if(senders_, [](const auto& entry) { return entry.second.empty(); });
    for (auto at = destinations_.begin(); at != destinations_.end();) {
        Destination& place = (at++)->second;  // it may go
        has_eaten(place.share);
        remove_when_idle(place);
    }
}

void Scheduler::set(Share& share, Share::Appetite appetite) {
    if (share.appetite == Share::Appetite::kHungry) --hungry_;
    share.appetite = appetite;
    if (share.appetite == Share::Appetite::kHungry) ++hungry_;
}

// One recipient of it.
void Scheduler::left(Share& share) {
    --share.recipients;
    if (share.appetite == Share::Appetite::kHadEnough && share.recipients < kShare / 2)
        set(share, Share::Appetite::kHungry);
}

bool Scheduler::knows(mail::QueueId message, std::uint32_t recipient) const {
    const auto found = known_.find(message.value());
    return found != known_.end() && found->second.recipients.contains(recipient);
}

std::size_t Scheduler::recipients_of(mail::QueueId message) const {
    const auto found = known_.find(message.value());
    return found == known_.end() ? 0 : found->second.recipients.size();
}

std::shared_ptr<spool::Envelope> Scheduler::envelope(mail::QueueId message) const {
    const auto found = known_.find(message.value());
    return found == known_.end() ? nullptr : found->second.envelope;
}

std::optional<Assignment> Scheduler::next(Worker worker, async::Time now) {
    while (!paced_.empty() && paced_.begin()->first <= now)
        wake(*paced_.begin()->second);
    auto& [fresh, others] = turns_[worker];
    while (!fresh.empty() || !others.empty()) {
        auto& turns = fresh.empty() ? others : fresh;
        Destination& place = *turns.front();
        turns.pop_front();
        place.standing = Standing::kAside;
        if (place.waiting.empty()) {
            remove_when_idle(place);
            continue;
        }
        if (place.active >= place.limit) continue;  // the limit fell meanwhile
        if (place.not_before > now) {
            pace(place);
            continue;
        }
        if (!may_go(place)) {
            hold(place);
            continue;
        }
        Assignment task = place.waiting.next();
        ++place.active;
        if (worker == Worker::relayd) ++active_;
        if (!place.proven) {
            ++place.unproven;
            ++unproven_;
        }
        // What comes late by less than a turn does not slow down what follows.
        const auto turn = place.limits.rate.pace();
        place.not_before = (now - place.not_before < turn ? place.not_before : now) + turn;
        line_up(place);
        return task;
    }
    return std::nullopt;
}

void Scheduler::finished(const Assignment& task, End end) {
    auto& place = destination(task);
    ended(place);
    if (task.worker == Worker::relayd && end != End::kNotTried) {
        const bool reached = end == End::kReached;
        prove(place, reached);
        place.limit =
            reached ? std::min(place.limit + 1, most(place)) : std::max(place.limit / 2, 1U);
    }
    if (end == End::kNotTried && place.limits.rate.count != 0) {
        place.not_before -= place.limits.rate.pace();
        wake(place);
    } else {
        line_up(place);
        remove_when_idle(place);
    }
    let_go_of_held();
}

bool Scheduler::give_back(Assignment task) {
    auto& place = destination(task);
    ended(place);
    const auto known = known_.find(task.envelope->id.value());
    const bool wanted = known != known_.end() && !known->second.dropped;
    if (wanted) {
        place.waiting.add_first(std::move(task));
    } else {
        release_all({std::move(task)});
    }
    line_up(place);
    remove_when_idle(place);
    let_go_of_held();
    return wanted;
}

void Scheduler::forget(mail::QueueId message, std::uint32_t recipient) {
    if (auto* place = release(message, recipient)) remove_when_idle(*place);
}

// The destination, which may be idle now; null when there was no such recipient.
Scheduler::Destination* Scheduler::release(mail::QueueId message, std::uint32_t recipient) {
    const auto found = known_.find(message.value());
    if (found == known_.end()) return nullptr;
    auto& [envelope, sender, recipients, dropped] = found->second;
    const auto at = recipients.find(recipient);
    if (at == recipients.end()) return nullptr;
    auto* place = at->second;
    recipients.erase(at);
    --in_memory_;
    left(*sender);
    left(place->share);
    if (recipients.empty()) {
        if (sender->empty()) senders_.erase(sender_in(*envelope));
        known_.erase(found);
    }
    return place;
}

void Scheduler::release_all(const std::vector<Assignment>& tasks) {
    for (const auto& task : tasks) {
        for (const auto& recipient : task.recipients)
            release(task.envelope->id, recipient.number);
    }
}

std::vector<Scheduler::Busy> Scheduler::busy() const {
    std::vector<Busy> busy;
    for (const auto& [key, place] : destinations_)
        busy.push_back({place.worker, place.next_hop, place.active, place.limit,
                        place.waiting.messages(), place.not_before});
    return busy;
}

std::vector<Scheduler::Busy> Scheduler::busiest(std::size_t most) const {
    auto busy = this->busy();
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
        release_all(place.waiting.take(unwanted));
        remove_when_idle(place);
    }
}

}  // namespace veredus::queued
