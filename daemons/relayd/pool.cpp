#include "daemons/relayd/pool.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "common/async/time.h"

namespace veredus::relayd {

using async::Task;

Pool::Pool(SessionContext context, async::Scope& sessions)
    : context_(std::move(context)), sessions_(sessions) {}

Pool::~Pool() {
    assert(idle_.empty() && "a session outlives its pool");
}

bool Pool::Service::can_carry(const Transaction& transaction) const {
    if (transaction.messages != 0 && messages >= transaction.messages) return false;
    // A limited next hop's connections are its own: else they could not be counted.
    const bool limited = connections != 0 || transaction.connections != 0;
    return !limited || (next_hop == transaction.next_hop && connections == transaction.connections);
}

Task<> Pool::transact(Target target, Transaction& transaction, async::Stop& stop) {
    const auto place = co_await place_at(
        target.remote(), std::max<std::size_t>(kSessionsPerTarget, transaction.connections), stop);
    if (!give_to_idle(target, transaction)) {
        // Only now: while it waited for its place others may have found out.
        if (auto why = context_.reach.refusal(target.address, context_.loop.clock().now())) {
            transaction.verdicts.resize(transaction.recipients.size());
            transaction.trouble = std::move(*why);
            transaction.end = Transaction::End::host;
            co_return;
        }
        std::optional<Place> of_next_hop;
        if (transaction.connections != 0) {
            dismiss_idle(transaction.next_hop);
            of_next_hop.emplace(
                co_await place_at(transaction.next_hop, transaction.connections, stop));
        }
        const auto start = [this](Target to, Transaction& first, std::optional<Place> its) {
            return run_session(std::move(to), first, std::move(its));
        };
        sessions_.spawn(start, std::move(target), std::ref(transaction), std::move(of_next_hop));
    }
    async::Stop never;  // the session ends it, whatever comes
    co_await transaction.ended.wait(never);
}

bool Pool::give_to_idle(const Target& target, Transaction& transaction) {
    const auto found = std::ranges::find_if(idle_, [&](const Idle* idle) {
        return idle->service.target == target && idle->service.can_carry(transaction);
    });
    if (found == idle_.end()) return false;
    (*found)->next = &transaction;
    (*found)->given.set();
    idle_.erase(found);
    return true;
}

void Pool::dismiss_idle(const std::string& next_hop) {
    std::erase_if(idle_, [&](Idle* idle) {
        if (idle->service.next_hop != next_hop) return false;
        idle->given.set();
        return true;
    });
}

// `place` is held until the connection is closed.
Task<> Pool::run_session(Target target, Transaction& first,
                         [[maybe_unused]] std::optional<Place> place) {
    Service service{target, first.next_hop, first.connections, 0, first.messages};
    ClientSession session(context_, std::move(target));
    const NextTransaction next = [&](async::Stop& stop) { return next_for(service, stop); };
    co_await session.run(first, next, sessions_.stop());
}

// A transaction that was given at the last moment is taken, or told that this session stops.
Task<Transaction*> Pool::next_for(Service& service, async::Stop& stop) {
    if (++service.messages == service.most) co_return nullptr;
    Idle self(context_.loop, service);
    idle_.push_front(&self);
    const auto wait = [&](async::Stop& step) -> Task<> { co_await self.given.wait(step); };
    try {
        co_await async::with_timeout(context_.loop, stop, kLinger, wait);
    } catch (const async::TimedOut&) {
    } catch (const async::Stopped&) {
    }
    idle_.remove(&self);
    if (self.next == nullptr)
        stop.check();
    else
        service.most = self.next->messages;
    co_return self.next;
}

Task<Pool::Place> Pool::place_at(std::string where, std::size_t most, async::Stop& stop) {
    std::erase_if(places_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = places_[{std::move(where), most}];
    auto among = known.lock();
    if (!among) {
        among = std::make_shared<async::Semaphore>(context_.loop, most);
        known = among;
    }
    auto permit = co_await among->acquire(stop);
    co_return Place{std::move(among), std::move(permit)};
}

}  // namespace veredus::relayd
