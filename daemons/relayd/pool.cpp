#include "daemons/relayd/pool.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "common/async/time.h"

namespace veredus::relayd {

using async::Task;

Pool::Pool(SessionContext context, async::Scope& sessions)
    : context_(std::move(context)), sessions_(sessions) {}

Pool::~Pool() {
    assert(idle_.empty() && "a session outlives its pool");
}

Task<> Pool::transact(Target target, Transaction& transaction, async::Stop& stop) {
    const auto turnstile = places(target.remote());
    const auto place = co_await turnstile->acquire(stop);
    if (!give_to_idle(target, transaction)) {
        const auto start = [this](Target to, Transaction& first) {
            return run_session(std::move(to), first);
        };
        sessions_.spawn(start, std::move(target), std::ref(transaction));
    }
    async::Stop never;  // the session ends it, whatever comes
    co_await transaction.ended.wait(never);
}

bool Pool::give_to_idle(const Target& target, Transaction& transaction) {
    const auto found =
        std::ranges::find_if(idle_, [&](const Idle* idle) { return idle->target == target; });
    if (found == idle_.end()) return false;
    (*found)->next = &transaction;
    (*found)->given.set();
    idle_.erase(found);
    return true;
}

Task<> Pool::run_session(Target target, Transaction& first) {
    ClientSession session(context_, target);
    const NextTransaction next = [&](async::Stop& stop) { return next_for(target, stop); };
    co_await session.run(first, next, sessions_.stop());
}

// A transaction that was given at the last moment is taken, or told that this session stops.
Task<Transaction*> Pool::next_for(const Target& target, async::Stop& stop) {
    Idle self(context_.loop, target);
    idle_.push_front(&self);
    const auto wait = [&](async::Stop& step) -> Task<> { co_await self.given.wait(step); };
    try {
        co_await async::with_timeout(context_.loop, stop, kLinger, wait);
    } catch (const async::TimedOut&) {
    } catch (const async::Stopped&) {
    }
    idle_.remove(&self);
    if (self.next == nullptr) stop.check();
    co_return self.next;
}

std::shared_ptr<async::Semaphore> Pool::places(const std::string& remote) {
    std::erase_if(places_, [](const auto& entry) { return entry.second.expired(); });
    auto semaphore = places_[remote].lock();
    if (!semaphore) {
        semaphore = std::make_shared<async::Semaphore>(context_.loop, kSessionsPerTarget);
        places_[remote] = semaphore;
    }
    return semaphore;
}

}  // namespace veredus::relayd
