#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/blocking.h"
#include "common/async/brief_slices.h"
#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/async/wait.h"
#include "common/log/log.h"
#include "daemons/queued/admission.h"
#include "daemons/queued/tally.h"
#include "spool/body/body_store.h"
#include "spool/disk/side_by_side.h"
#include "spool/queue/due_reader.h"
#include "spool/queue/queue_store.h"

namespace veredus::queued {

// Makes things durable, many at a time: while one batch is on its way to the disk, the next is
// written and the one after gathers. Everybody else who needs the store takes turns with the
// writing here, so that one thread at a time is in it.
class Committer {
  public:
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

    // A message, whose body is synced before it is answered. Letters go ahead of their rows where
    // they may (Admission); where not, they and bulk mail (mail::is_bulk) are committed apart and
    // in turns, so that a letter never waits for more of a mailing than what is just being written.
    void arrive(Arrival arrival);
    // Outcomes of a message, with the notifications and expansions they cause, which are in the
    // same transaction.
    struct Settled {
        std::vector<spool::Outcome> outcomes;
        std::vector<spool::NewMessage> own;
        std::vector<mail::QueueId> delay_noticed;
        std::function<void()> then;  // called once they are on disk
        std::uint64_t after = 0;     // set by settle(): no sooner than rows of letters to this one
    };
    void settle(Settled settled, bool bulk);
    const Tally& tally() const { return tally_; }
    // After recovery, before anything arrives.
    void start_from(const spool::Totals& totals) {
        tally_.start_from(totals);
        admission_.start(store_.newest_id());
    }
    // A message has left by another way than a batch: its body is no longer needed.
    void departed(const spool::Departure& departure);

    bool idle() const { return waiting() == 0 && admission_.idle() && !writing_ && all_synced(); }
    // Waits until whoever reads the database sees all that is acknowledged.
    async::Task<> caught_up(async::Stop& stop);
    // Waits until everything handed in so far is on disk, or will never be because run() has
    // failed.
    async::Task<> settled(async::Stop& stop);

    // Calls use(store) in the thread pool, when all that was written is on disk and nothing is
    // being written; behind letters that come while that is waited for.
    template <class Use>
    async::Task<std::invoke_result_t<Use&, spool::QueueStore&>> with_store(Use use,
                                                                           async::Stop& stop) {
        const auto turn = co_await quiet_turn(stop);
        const auto call = [&] {
            const async::BriefSlices brief;
            return use(store_);
        };
        co_return co_await async::blocking(loop_, call);
    }
    // Calls use(reader) in the thread pool beside the writing. It sees the queue as it is at a
    // moment in which all of it is on disk and everybody has heard what became of it; what happens
    // meanwhile it does not see.
    template <class Use>
    async::Task<std::invoke_result_t<Use&, spool::DueReader&>> beside(Use use, async::Stop& stop) {
        const auto reading = co_await reading_.acquire(stop);
        std::optional<spool::DueReader::Snapshot> snapshot;
        {
            const auto turn = co_await quiet_turn(stop);
            snapshot.emplace(due_reader_);
        }
        const auto call = [&] {
            const async::BriefSlices brief;
            return use(due_reader_);
        };
        co_return co_await async::blocking(loop_, call);
    }

  private:
    // So often does what is not urgent let letters go first, and then no more.
    static constexpr int kGivesWay = 8;
    enum class Kind : std::uint8_t { kLetters, kMailings, kMailingsOutcomes };
    struct Waiting {
        std::deque<Arrival> arrivals;
        std::deque<Settled> settled;
        std::size_t size() const { return arrivals.size() + settled.size(); }
        bool empty() const { return size() == 0; }
    };
    // What is to be written together, and who waits for it; their messages are the batch's.
    struct Gathered {
        Kind kind = Kind::kLetters;
        int gave_way = 0;  // so many times, to letters
        spool::Batch batch;
        std::uint64_t last_ahead = 0;  // the number of the last one
        std::vector<Arrival> arrivals;
        std::vector<std::function<void()>> then;
        bool nothing_to_sync() const;
        bool at_once() const;
    };

    struct Round : Gathered {
        spool::QueueStore::Written written;
    };

    async::Task<async::Semaphore::Permit> quiet_turn(async::Stop& stop);
    async::Task<> write_rounds(async::Stop& idle, async::Stop& failed);
    bool ready(Kind kind) const;
    bool bulk_is_ready() const;
    bool worth_writing() const;
    std::size_t patient() const;  // so much waits that nobody waits for
    bool patience_ends() const;
    async::Task<> wait_for_company(async::Stop& failed);
    async::Task<> sync_rounds();
    async::Task<> checkpoint();
    auto& waiting(this auto& self, Kind kind) {
        return self.waiting_[static_cast<std::size_t>(kind)];
    }
    void more_waits();
    Kind next_kind();
    Gathered gather();
    bool letters_want_turn() const { return wants_turn_ && letters_wait_; }
    async::Task<> write();
    using Written = std::optional<spool::QueueStore::Written>;  // nothing: it gave way
    std::expected<Written, std::string> write_rows(const Gathered& gathered,
                                                   spool::BodyStore::SyncSet own,
                                                   spool::BodyStore::SyncSet arrived);
    // For long work in the store's thread, to be asked every few ten microseconds: offers the
    // processor to others, and says whether letters wait for the store.
    bool letters_wait() const;
    void reach_disk(spool::QueueStore::Written& written);
    void finish(Round& round);
    std::size_t waiting() const;
    bool all_synced() const { return written_.empty() && syncing_ == 0; }
    void answer(std::vector<Arrival>& arrivals, const spool::Batch& batch,
                const spool::Committed& committed);
    void refuse(const Arrival& arrival, const spool::NewMessage& message);
    void no_room_for(Gathered gathered);

    async::Loop& loop_;
    log::Log& log_;
    spool::QueueStore& store_;
    spool::DueReader due_reader_;
    spool::BodyStore& bodies_;
    After after_;
    Tally tally_;
    Admission admission_;
    spool::Helpers helpers_;
    async::Semaphore turn_;      // to begin something new in the store
    async::Semaphore in_store_;  // held while a round is being written, or taken back beside that
    // Held while somebody reads beside the writing, which keeps checkpoints from their end.
    async::Semaphore reading_;
    async::Event work_;
    async::Event to_sync_;            // written_ has something, or will have nothing any more
    async::Event to_checkpoint_;      // the database wants it, or nothing will be written any more
    async::WaitList changed_;         // more waits, or a round has gone on
    async::WaitList done_;            // nothing is left
    std::array<Waiting, 3> waiting_;  // by Kind
    std::optional<async::Time> patient_since_;  // when the first came that nobody waits for
    int hurrying_ = 0;                          // who needs its rows
    Kind last_kind_ = Kind::kMailings;
    Kind last_of_bulk_ = Kind::kMailings;
    std::optional<Gathered> gave_way_;  // of mailings; goes next after letters
    std::optional<Gathered> again_;     // there was no room for it; goes before all else
    std::uint64_t entered_ = 0;         // the number of the last that went ahead and has its row
    std::atomic<bool> letters_wait_ = false;
    bool wants_turn_ = false;  // to write a round
    std::deque<Round> written_;
    bool writing_ = false;
    async::Duration last_at_once_ = async::Duration::max();  // what one thread did took so long
    std::size_t syncing_ = 0;  // how much is in the round that is on its way to the disk
    bool writing_ended_ = false;
    bool ended_ = false;
};

}  // namespace veredus::queued
