#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/async/blocking.h"
#include "common/async/scope.h"
#include "common/async/wait.h"
#include "common/log/log.h"
#include "spool/body/body_store.h"
#include "spool/disk/side_by_side.h"
#include "spool/queue/queue_store.h"

namespace veredus::queued {

// Makes things durable, many at a time: while one batch is being committed in the thread pool, the
// next one gathers. Everybody else who needs the store takes turns with it here, so that one thread
// at a time is in it.
class Committer {
  public:
    struct Answer {
        spool::ArrivalResult result = spool::ArrivalResult::kBodyLost;
        bool disk_full = false;  // then nothing else counts
    };
    // A message and who waits for it. Its body is synced with the commit.
    struct Arrival {
        spool::NewMessage message;
        std::function<void(const Answer&, const spool::NewMessage&)> then;
    };
    // What follows when a batch is on disk; called in the loop's thread.
    struct After {
        std::function<void(const spool::NewMessage&)> expanded;
        std::function<void(const spool::Departure&)> departed;
        std::function<void(const spool::NewMessage&)> own_accepted;
    };

    Committer(async::Loop& loop, log::Log& log, spool::QueueStore& store, spool::BodyStore& bodies,
              After after);

    // To be spawned: commits until it is stopped and nothing is left. A full disk is told to
    // clients and waited for. Any other failure is thrown and must end the process: what the disk
    // holds is found out by recovery alone.
    async::Task<> run(async::Stop& stop);

    void arrive(Arrival arrival);
    // Outcomes, with the notifications and expansions they cause, which are in the same
    // transaction.
    // `then` is called once they are on disk.
    void settle(std::vector<spool::Outcome> outcomes, std::vector<spool::NewMessage> own,
                std::vector<mail::QueueId> delay_noticed, std::function<void()> then);
    bool idle() const {
        return waiting_arrivals_.empty() && waiting_.batch.empty() && !committing_;
    }
    // Waits until everything handed in so far is on disk, or will never be because run() has
    // failed.
    async::Task<> settled(async::Stop& stop);

    // Calls use(store) in the thread pool, when no commit runs.
    template <class Use>
    async::Task<std::invoke_result_t<Use&, spool::QueueStore&>> with_store(Use use,
                                                                           async::Stop& stop) {
        const auto turn = co_await turn_.acquire(stop);
        const auto call = [&] { return use(store_); };
        co_return co_await async::blocking(loop_, call);
    }

  private:
    struct Gathered {
        spool::Batch batch;
        std::vector<std::function<void()>> then;
    };

    async::Task<> commit(Gathered gathered, std::vector<Arrival> arrivals);
    void answer(std::vector<Arrival>& arrivals, const spool::Batch& batch,
                const spool::Committed& committed);
    void refuse(std::vector<Arrival>& arrivals, Gathered gathered);

    async::Loop& loop_;
    log::Log& log_;
    spool::QueueStore& store_;
    spool::BodyStore& bodies_;
    After after_;
    spool::SecondThread second_;
    async::Semaphore turn_;
    async::Event work_;
    async::WaitList done_;
    std::vector<Arrival> waiting_arrivals_;
    Gathered waiting_;
    bool committing_ = false;
    bool ended_ = false;
};

}  // namespace veredus::queued
