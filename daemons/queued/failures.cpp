#include "daemons/queued/failures.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <span>
#include <utility>

namespace veredus::queued {
namespace {

// What `wanted` says of, from the one to the other.
template <class T, class Wanted>
void move_some(std::vector<T>& from, std::vector<T>& to, Wanted wanted) {
    const auto some = std::ranges::partition(from, [&](const T& one) { return !wanted(one); });
    to.insert(to.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
    from.erase(some.begin(), some.end());
}

}  // namespace

void Failures::keep(Assignment& heard, Verdicts& verdicts, async::Time now) {
    if (verdicts.failed.empty()) return;
    const auto [at, fresh] = kept_.try_emplace(heard.envelope->id);
    auto& [kept, until] = at->second;
    if (fresh) {
        kept.heard = {heard.envelope, heard.worker, heard.next_hop, {}, heard.due_us};
        until = now + kLongest;
    }
    const auto failed = [](const spool::Outcome& outcome) {
        return outcome.state == spool::RecipientState::kFailed;
    };
    const auto before = kept.verdicts.outcomes.size();
    move_some(verdicts.outcomes, kept.verdicts.outcomes, failed);
    const std::span moved(kept.verdicts.outcomes.begin() + static_cast<std::ptrdiff_t>(before),
                          kept.verdicts.outcomes.end());
    move_some(heard.recipients, kept.heard.recipients, [&](const spool::Recipient& recipient) {
        return std::ranges::find(moved, recipient.number, &spool::Outcome::recipient) !=
               moved.end();
    });
    std::ranges::move(verdicts.failed, std::back_inserter(kept.verdicts.failed));
    verdicts.failed.clear();
    kept.verdicts.expired = std::exchange(verdicts.expired, false) || kept.verdicts.expired;
}

std::size_t Failures::recipients(mail::QueueId message) const {
    const auto found = kept_.find(message);
    return found == kept_.end() ? 0 : found->second.kept.heard.recipients.size();
}

std::vector<mail::QueueId> Failures::messages() const {
    return late(async::Time::max());
}

std::vector<spool::Outcome> Failures::outcomes(mail::QueueId after) const {
    std::vector<spool::Outcome> out;
    for (auto at = kept_.upper_bound(after); at != kept_.end(); ++at)
        std::ranges::copy(at->second.kept.verdicts.outcomes, std::back_inserter(out));
    for (auto at = taken_.upper_bound(after); at != taken_.end(); ++at)
        std::ranges::copy(at->second, std::back_inserter(out));
    std::ranges::sort(out, {}, &spool::Outcome::message);
    return out;
}

std::vector<mail::QueueId> Failures::late(async::Time now) const {
    std::vector<mail::QueueId> late;
    for (const auto& [message, waiting] : kept_)
        if (waiting.until <= now) late.push_back(message);
    return late;
}

std::optional<async::Time> Failures::next() const {
    if (kept_.empty()) return std::nullopt;
    return std::ranges::min(kept_ | std::views::values | std::views::transform(&Waiting::until));
}

std::optional<Failures::Kept> Failures::take(mail::QueueId message) {
    auto found = kept_.extract(message);
    if (found.empty()) return std::nullopt;
    taken_.emplace(message, found.mapped().kept.verdicts.outcomes);
    return std::move(found.mapped().kept);
}

void Failures::on_disk(mail::QueueId message) {
    if (const auto first = taken_.lower_bound(message);
        first != taken_.end() && first->first == message)
        taken_.erase(first);
}

}  // namespace veredus::queued
