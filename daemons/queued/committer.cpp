#include "daemons/queued/committer.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "common/async/brief_slices.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/mail/priority.h"
#include "daemons/queued/at_once.h"
#include "daemons/queued/if_there_is_room.h"

namespace veredus::queued {

using async::Stop;
using async::Task;

namespace {

// So few syncs are done sooner than another thread is awake, when that of the bodies has begun
// while their rows were written.
constexpr std::size_t kOneByOne = 2;
// Threads that sync files beside the database: the disk does several at a time.
constexpr std::size_t kHelpers = 4;
// What could not be committed is tried again after this: the disk may have room then.
constexpr auto kRetry = std::chrono::seconds(1);

std::vector<std::uint64_t> files_of(const std::vector<spool::NewMessage>& messages) {
    std::vector<std::uint64_t> out;
    for (const auto& message : messages)
        out.push_back(message.envelope.body.file);
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
}

}  // namespace

Committer::Committer(async::Loop& loop, log::Log& log, spool::QueueStore& store,
                     spool::BodyStore& bodies, After after)
    : loop_(loop),
      log_(log),
      store_(store),
      due_reader_(store),
      bodies_(bodies),
      after_(std::move(after)),
      admission_(
          loop, bodies, spool::Entrance(bodies),
          [this](const auto& message) { tally_.entered(message); }, [this] { more_waits(); }),
      helpers_(kHelpers),
      turn_(loop, 1),
      in_store_(loop, 1),
      reading_(loop, 1),
      work_(loop),
      to_sync_(loop),
      to_checkpoint_(loop),
      changed_(loop),
      done_(loop) {}

void Committer::arrive(Arrival arrival) {
    const bool bulk = mail::is_bulk(arrival.message.envelope.priority);
    if (again_) return refuse(arrival, arrival.message);
    work_.set();
    if (admission_.take(arrival, !bulk)) return;
    waiting(bulk ? Kind::kMailings : Kind::kLetters).arrivals.push_back(std::move(arrival));
    if (!bulk) letters_wait_ = true;
    more_waits();
}

void Committer::settle(Settled settled, bool bulk) {
    settled.after = admission_.acknowledged();
    for (const auto& own : settled.own)
        admission_.note(own.envelope.id);
    waiting(bulk ? Kind::kMailingsOutcomes : Kind::kLetters).settled.push_back(std::move(settled));
    more_waits();
}

void Committer::more_waits() {
    if (!patient_since_ && patient() > 0) patient_since_ = loop_.clock().now();
    work_.set();
    changed_.wake_all();
}

std::size_t Committer::waiting() const {
    std::size_t all = admission_.rows() + (gave_way_ ? 1 : 0) + (again_ ? 1 : 0);
    for (const auto& one : waiting_)
        all += one.size();
    return all;
}

// Until the rows of all that is acknowledged now are in the database, unless its disk is full.
Task<> Committer::caught_up(Stop& stop) {
    struct Hurry {
        int& count;
        explicit Hurry(int& hurrying) : count(hurrying) { ++count; }
        ~Hurry() { --count; }
    };
    const Hurry hurry(hurrying_);
    const auto last = admission_.acknowledged();
    changed_.wake_all();
    while (entered_ < last && !again_ && !ended_)
        co_await changed_.wait(stop);
}

// A turn with nothing on its way to the disk.
Task<async::Semaphore::Permit> Committer::quiet_turn(Stop& stop) {
    co_await caught_up(stop);
    for (int gave_way = 0;; ++gave_way) {
        auto turn = co_await turn_.acquire(stop);
        while (!all_synced() && (!letters_want_turn() || gave_way == kGivesWay))
            co_await changed_.wait(stop);
        if (all_synced()) co_return turn;
    }
}

Task<> Committer::run(Stop& stop) {
    struct Ended {
        Committer& committer;
        ~Ended() {
            committer.ended_ = true;
            committer.done_.wake_all();
        }
    };
    const Ended ended{*this};
    Stop never;
    const auto both = [&](async::Scope& scope) -> Task<> {
        scope.spawn([this]() -> Task<> { co_await sync_rounds(); });
        scope.spawn([this]() -> Task<> { co_await checkpoint(); });
        scope.spawn([this]() -> Task<> { co_await admission_.run(); });
        Stop idle(stop);
        const Stop::Hook on_failure(scope.stop(), [&] { idle.request(); });
        std::exception_ptr error;
        try {
            co_await write_rounds(idle, scope.stop());
        } catch (...) {
            error = std::current_exception();
        }
        writing_ended_ = true;
        to_sync_.set();
        to_checkpoint_.set();
        admission_.end();
        if (error) std::rethrow_exception(error);
    };
    co_await async::with_scope(loop_, never, both);
}

// Until `idle` is requested and nothing is left, or a round before has failed.
Task<> Committer::write_rounds(Stop& idle, Stop& failed) {
    for (;;) {
        while (!worth_writing()) {
            if (waiting() > 0 || !admission_.idle()) {
                co_await changed_.wait(failed);
                continue;
            }
            work_.reset();
            done_.wake_all();
            co_await work_.wait(idle);
        }
        failed.check();
        co_await wait_for_company(failed);
        writing_ = true;
        co_await write();
        writing_ = false;
    }
}

Task<> Committer::sync_rounds() {
    Stop never;
    for (;;) {
        while (written_.empty()) {
            if (writing_ended_) co_return;
            to_sync_.reset();
            co_await to_sync_.wait(never);
        }
        Round round = std::move(written_.front());
        written_.pop_front();
        syncing_ = round.batch.ahead.size() + round.batch.arrivals.size() + round.then.size();
        changed_.wake_all();
        const auto call = [&] { reach_disk(round.written); };
        co_await async::blocking(loop_, call);
        if (!round.written.failed_files.empty()) {
            const auto in_store = co_await in_store_.acquire(never);
            const auto without_lost = [&] { store_.take_back(round.batch, round.written); };
            co_await async::blocking(loop_, without_lost);
        }
        syncing_ = 0;
        changed_.wake_all();
        finish(round);
    }
}

// So that letters wait for a few pages, not for all of a checkpoint.
Task<> Committer::checkpoint() {
    Stop never;
    while (!writing_ended_) {
        to_checkpoint_.reset();
        co_await to_checkpoint_.wait(never);
        if (writing_ended_) co_return;
        const auto ahead = [this] { if_there_is_room([this] { store_.checkpoint_ahead(); }); };
        co_await async::blocking(loop_, ahead);
        const auto nobody_reads = co_await reading_.acquire(never);
        const auto turn = co_await turn_.acquire(never);
        const auto in_store = co_await in_store_.acquire(never);
        const auto rest = [this] { if_there_is_room([this] { store_.checkpoint_rest(); }); };
        co_await async::blocking(loop_, rest);
    }
}

void Committer::finish(Round& round) {
    answer(round.arrivals, round.batch, round.written.committed);
    for (const auto& then : round.then)
        then();
    if (idle()) done_.wake_all();
}

Task<> Committer::settled(Stop& stop) {
    while (!idle() && !ended_)
        co_await done_.wait(stop);
}

Task<> Committer::write() {
    // What is under way is never stopped half-way; nobody holds the turn for long.
    Stop never;
    Gathered gathered;
    const spool::Batch& batch = gathered.batch;
    std::expected<Written, std::string> written;
    bool at_once = false;
    {
        wants_turn_ = true;
        changed_.wake_all();
        const auto turn = co_await turn_.acquire(never);
        const auto in_store = co_await in_store_.acquire(never);
        wants_turn_ = false;
        gathered = gather();  // only now: letters that came meanwhile go first
        auto own = bodies_.to_sync(files_of(batch.own));
        auto arrived = bodies_.to_sync(files_of(batch.arrivals));
        // With nothing on its way to the disk and little to write, one thread does all of it.
        at_once = all_synced() && gathered.at_once();
        const auto call = [&] {
            const auto begun = loop_.clock().now();
            auto out = write_rows(gathered, std::move(own), std::move(arrived));
            if (!out || !*out || !at_once) return out;
            reach_disk(**out);
            if (!(*out)->failed_files.empty()) store_.take_back(batch, **out);
            last_at_once_ = loop_.clock().now() - begun;
            return out;
        };
        const bool somebody_waits = !batch.arrivals.empty();
        if (at_once && somebody_waits && last_at_once_ < kQuick) {
            written = call();
        } else {
            written = co_await async::blocking(loop_, call);
        }
    }
    if (!written) {
        log_.error("the queue cannot be written: {}", written.error());
        no_room_for(std::move(gathered));
        co_await async::sleep_for(loop_, kRetry, never);
        co_return;
    }
    if (!*written) {
        ++gathered.gave_way;
        gave_way_ = std::move(gathered);
        co_return;
    }
    if (!batch.ahead.empty()) {
        admission_.entered(batch.ahead);
        entered_ = gathered.last_ahead;
    }
    changed_.wake_all();
    if (store_.wants_checkpoint()) to_checkpoint_.set();
    Round round{{std::move(gathered)}, std::move(**written)};
    if (at_once) {
        finish(round);
    } else {
        written_.push_back(std::move(round));
        to_sync_.set();
    }
}

// Long work at the database makes no system call, and many kernels let nobody else have the
// processor before there is one, not even who has just been woken. When letters wait already, who
// yields only keeps the store from them the longer.
bool Committer::letters_wait() const {
    const auto wait = [this] { return letters_wait_.load(std::memory_order_relaxed); };
    if (wait()) return true;
    std::this_thread::yield();
    return wait();
}

// In a thread of the pool, or the loop's. On a full disk nothing of the batch has happened, and the
// error says what there was no room for.
std::expected<Committer::Written, std::string> Committer::write_rows(
    const Gathered& gathered, spool::BodyStore::SyncSet own, spool::BodyStore::SyncSet arrived) {
    spool::QueueStore::GivesWay gives_way;
    std::optional<async::BriefSlices> brief;
    if (gathered.kind != Kind::kLetters) {
        gives_way = [this, may = gathered.gave_way < kGivesWay] { return letters_wait() && may; };
        brief.emplace();
    }
    try {
        return store_.write(gathered.batch, std::move(own), std::move(arrived),
                            std::move(gives_way));
    } catch (const spool::DatabaseError& error) {
        if (!error.disk_full()) throw;
        return std::unexpected(error.what());
    } catch (const spool::DiskError& error) {
        if (!error.disk_full()) throw;
        return std::unexpected(error.what());
    }
}

// Likewise, one round at a time.
void Committer::reach_disk(spool::QueueStore::Written& written) {
    store_.sync(written, [this, &written](const spool::Tasks& tasks) {
        if (tasks.size() <= kOneByOne && written.bodies.begin_helps()) {
            spool::one_by_one(tasks);
        } else {
            helpers_.run(tasks);
        }
    });
}

void Committer::answer(std::vector<Arrival>& arrivals, const spool::Batch& batch,
                       const spool::Committed& committed) {
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        const auto result = committed.arrivals[i];
        if (result == spool::ArrivalResult::kAccepted) {
            tally_.entered(batch.arrivals[i]);
        } else {
            bodies_.drop_reference(batch.arrivals[i].envelope.body.file);
        }
        arrivals[i].then({.result = result}, batch.arrivals[i]);
    }
    for (std::size_t i = 0; i < batch.own.size(); ++i) {
        if (committed.own[i]) {
            tally_.entered(batch.own[i]);
            after_.own_accepted(batch.own[i]);
        } else {
            bodies_.drop_reference(batch.own[i].envelope.body.file);
        }
    }
    for (const auto& outcome : batch.outcomes)
        tally_.outcome(outcome);
    for (const auto& expansion : committed.expansions)
        after_.expanded(expansion);
    for (const auto& departure : committed.departures)
        departed(departure);
}

void Committer::departed(const spool::Departure& departure) {
    tally_.departed(departure);
    bodies_.bury(departure.body);
    after_.departed(departure);
}

// The disk is full.
void Committer::refuse(const Arrival& arrival, const spool::NewMessage& message) {
    bodies_.drop_reference(message.envelope.body.file);
    arrival.then({.disk_full = true}, message);
}

// Clients are told now, and whoever comes before there is room. What workers have done, and rows of
// what is acknowledged, stay to be written before all else, since they cannot be undone.
void Committer::no_room_for(Gathered gathered) {
    auto& batch = gathered.batch;
    for (std::size_t i = 0; i < gathered.arrivals.size(); ++i)
        refuse(gathered.arrivals[i], batch.arrivals[i]);
    gathered.arrivals.clear();
    batch.arrivals.clear();
    if (!batch.empty()) again_ = std::move(gathered);
    for (auto& [arrivals, settled] : waiting_) {
        for (const auto& arrival : std::exchange(arrivals, {}))
            refuse(arrival, arrival.message);
    }
    changed_.wake_all();
}

}  // namespace veredus::queued
