// The part of Dispatcher that watches the others.
#include "daemons/queued/watch.h"

#include <utility>

#include "common/async/time.h"
#include "daemons/queued/dispatcher.h"

namespace veredus::queued {
namespace {

constexpr auto kWatchEvery = std::chrono::minutes(1);
constexpr std::size_t kLookedAt = 1000;

}  // namespace

std::vector<spool::Due> forgotten(std::vector<spool::Due> due, const Scheduler& scheduler,
                                  const std::optional<spool::DueCursor>& passed_over) {
    std::erase_if(due, [&](const spool::Due& one) {
        if (scheduler.knows(one.message, one.recipient.number)) return true;
        const spool::DueCursor place{one.recipient.next_attempt_us, one.message.value(),
                                     one.recipient.number};
        return passed_over && place > *passed_over;
    });
    return due;
}

async::Task<> Dispatcher::watch(async::Stop& stop) {
    for (;;) {
        co_await async::sleep_for(env_.loop, kWatchEvery, stop);
        const auto now = env_.loop.clock().wall_us();
        watch_workers(now);
        if (!env_.config.queue.paused) co_await watch_disk(now, stop);
    }
}

// It is cut off: what it has is given to others, and it may come back.
void Dispatcher::watch_workers(std::int64_t now_us) {
    for (auto* connection : connections_) {
        if (connection->jobs.empty() || now_us - connection->heard_us < kSilence_us) continue;
        ++mended_.workers;
        mended_.last_us = now_us;
        env_.log.error("a {} has had {} jobs for an hour and says nothing: it is cut off",
                       name_of(connection->worker), connection->jobs.size());
        connection->stop->request();
    }
}

async::Task<> Dispatcher::watch_disk(std::int64_t now_us, async::Stop& stop) {
    const Looking looking(*this);
    const auto search = [now_us](spool::DueReader& reader) {
        spool::DueCursor from_the_start;
        return reader.due(now_us - kOverdue_us, from_the_start, kLookedAt);
    };
    auto due = co_await committer_.beside(search, stop);
    // Memory that is full is no fault, nor is a search that is under way.
    if (more_on_disk_ || back_from_ || !scheduler_.wants_more()) co_return;
    due = forgotten(std::move(due), scheduler_, passed_over_);
    std::erase_if(due, [this](const auto& one) { return unwanted(one.message); });
    if (due.empty()) co_return;
    mended_.recipients += due.size();
    mended_.last_us = now_us;
    env_.log.error(
        "{}: to=<{}> was due five minutes ago and was in nobody's hands, with {} others; "
        "all are tried now",
        due.front().message.text(), due.front().recipient.address, due.size() - 1);
    look_again();
}

}  // namespace veredus::queued
