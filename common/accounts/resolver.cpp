#include "common/accounts/resolver.h"

#include <utility>
#include <variant>

namespace veredus::accounts {

using async::Stop;
using async::Task;
namespace wire = ipc::resolve;

namespace {

constexpr std::size_t kMostKnown = 10'000;

}  // namespace

Resolver::Resolver(async::Loop& loop, std::string path)
    : loop_(loop), link_(loop, std::move(path)) {}

// accountd may have been started anew, with other domains or another file.
Task<> Resolver::follow_link(Stop& stop) {
    const auto generation = link_.generation();
    if (generation == generation_) co_return;
    edition_.reset();
    auto answer = co_await link_.ask(wire::Watch{}, stop);
    if (!answer || answer->descriptors.empty() || generation != link_.generation()) co_return;
    edition_.emplace(std::move(answer->descriptors.front()));
    generation_ = generation;
    known_since_.reset();
}

void Resolver::forget_when_changed() {
    const auto now = edition_ ? edition_->settled(loop_.clock().wall_us()) : std::nullopt;
    if (now && now == known_since_ && known_.size() < kMostKnown) return;
    known_.clear();
    known_since_ = now;
}

Task<std::optional<wire::Resolved>> Resolver::resolve(std::string address, Stop& stop) {
    co_await follow_link(stop);
    forget_when_changed();
    if (const auto known = known_.find(address); known != known_.end()) co_return known->second;
    // Of this edition or a later one is what accountd says now.
    const auto edition = known_since_;
    const auto generation = generation_;
    wire::Resolve question;
    question.address = address;
    auto answer = co_await link_.ask(std::move(question), stop);
    auto* resolved = answer ? std::get_if<wire::Resolved>(&answer->message) : nullptr;
    if (resolved == nullptr) co_return std::nullopt;
    const bool found = resolved->kind == wire::Kind::mailbox || resolved->kind == wire::Kind::alias;
    if (found && resolved->lasting && edition && edition == known_since_ &&
        generation == generation_)
        known_.insert_or_assign(std::move(address), *resolved);
    co_return std::move(*resolved);
}

Task<std::optional<bool>> Resolver::may_use(std::string user, std::string address, Stop& stop) {
    wire::MayUse question;
    question.user = std::move(user);
    question.address = std::move(address);
    const auto answer = co_await link_.ask(std::move(question), stop);
    const auto* allowed = answer ? std::get_if<wire::Allowed>(&answer->message) : nullptr;
    if (allowed == nullptr) co_return std::nullopt;
    co_return allowed->allowed;
}

}  // namespace veredus::accounts
