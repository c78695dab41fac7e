#include "daemons/queued/committer.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "common/async/brief_slices.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/mail/priority.h"

namespace veredus::queued {

using async::Stop;
using async::Task;

namespace {

// A batch with more recipients than this that come, or outcomes, makes the first of it wait for the
// last, and letters for a mailing's.
constexpr std::size_t kRecipients = 512;
constexpr std::size_t kOutcomes = 128;
constexpr std::size_t kMailingsOutcomes = 64;
// So few are written in less time than it takes to wake one more thread for the sync.
constexpr std::size_t kAtOnce = 16;
// So few syncs are done sooner than another thread is awake, when that of the bodies has begun
// while their rows were written.
constexpr std::size_t kOneByOne = 2;
// Where so few took less than this the last time, the loop waits for the disk itself: to wake
// another thread and to be woken by it costs as much as the sync.
constexpr auto kQuick = std::chrono::milliseconds(2);
// For outcomes nobody waits, and a batch that has some needs one more sync than letters alone: they
// gather until they are so many or have waited so long.
constexpr std::size_t kOutcomesWorthSync = 32;
constexpr auto kForCompany = std::chrono::milliseconds(5);
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

// Else the WAL keeps what it has, and a later commit asks for the checkpoint again.
template <class Checkpoint>
void if_there_is_room(Checkpoint checkpoint) {
    try {
        checkpoint();
    } catch (const spool::DatabaseError& error) {
        if (!error.disk_full()) throw;
    }
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
    waiting(bulk ? Kind::kMailings : Kind::kLetters).arrivals.push_back(std::move(arrival));
    more_waits(bulk);
}

void Committer::settle(Settled settled, bool bulk) {
    if (!bulk && waiting(Kind::kLetters).settled.empty()) outcomes_since_ = loop_.clock().now();
    waiting(bulk ? Kind::kMailingsOutcomes : Kind::kLetters).settled.push_back(std::move(settled));
    more_waits(bulk);
}

void Committer::more_waits(bool bulk) {
    if (!bulk) letters_wait_ = true;
    work_.set();
    changed_.wake_all();
}

std::size_t Committer::waiting() const {
    std::size_t all = gave_way_ ? 1 : 0;
    for (const auto& one : waiting_)
        all += one.size();
    return all;
}

// A turn with nothing on its way to the disk.
Task<async::Semaphore::Permit> Committer::quiet_turn(Stop& stop) {
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
        if (error) std::rethrow_exception(error);
    };
    co_await async::with_scope(loop_, never, both);
}

// Until `idle` is requested and nothing is left, or a round before has failed.
Task<> Committer::write_rounds(Stop& idle, Stop& failed) {
    for (;;) {
        if (waiting() == 0) {
            work_.reset();
            done_.wake_all();
            co_await work_.wait(idle);
        }
        while (!worth_writing())
            co_await changed_.wait(failed);
        failed.check();
        co_await wait_for_company(failed);
        writing_ = true;
        co_await write();
        writing_ = false;
    }
}

// While a round is on its way to the disk, one at least as large may be made ready to follow it,
// and letters behind bulk; smaller ones wait until it is there, since each sync costs the same for
// few as for many.
bool Committer::worth_writing() const {
    if (!written_.empty()) return false;
    if (last_kind_ != Kind::kLetters && !waiting(Kind::kLetters).empty()) return true;
    return syncing_ == 0 || waiting() >= syncing_;
}

bool Committer::nothing_but_outcomes() const {
    return waiting(Kind::kLetters).settled.size() == waiting();
}

// Where the clock stands still, in tests, nobody waits for it.
bool Committer::outcomes_are_due() const {
    return waiting(Kind::kLetters).settled.size() >= kOutcomesWorthSync || !loop_.clock().moves() ||
           loop_.clock().now() - outcomes_since_ >= kForCompany;
}

Task<> Committer::wait_for_company(Stop& failed) {
    if (!nothing_but_outcomes() || outcomes_are_due()) co_return;
    bool waits = true;
    async::Timer timer(loop_);
    timer.start(kForCompany - (loop_.clock().now() - outcomes_since_), [&] {
        waits = false;
        changed_.wake_all();
    });
    while (waits && nothing_but_outcomes() && !outcomes_are_due())
        co_await changed_.wait(failed);
}

// Letters, then something of a mailing, if there is both; of mailings in turn what comes and what
// has become of others.
Committer::Kind Committer::next_kind() {
    const bool bulk =
        gave_way_ || !waiting(Kind::kMailings).empty() || !waiting(Kind::kMailingsOutcomes).empty();
    const bool letters = !waiting(Kind::kLetters).empty();
    if (letters && (!bulk || last_kind_ != Kind::kLetters)) return Kind::kLetters;
    if (gave_way_) return gave_way_->kind;
    const auto other = last_of_bulk_ == Kind::kMailings ? Kind::kMailingsOutcomes : Kind::kMailings;
    if (!waiting(other).empty()) last_of_bulk_ = other;
    return last_of_bulk_;
}

// As much as is written in a few milliseconds: what comes next waits for all of it.
Committer::Gathered Committer::gather() {
    Gathered gathered;
    gathered.kind = last_kind_ = next_kind();
    if (gathered.kind != Kind::kLetters && gave_way_)
        return *std::exchange(gave_way_, std::nullopt);
    auto& [arrivals, waiting_outcomes] = waiting(gathered.kind);
    auto& batch = gathered.batch;
    for (std::size_t rows = 0; rows < kRecipients && !arrivals.empty();) {
        auto& arrival = gathered.arrivals.emplace_back(std::move(arrivals.front()));
        arrivals.pop_front();
        rows += arrival.message.recipients.size();
        batch.arrivals.push_back(std::move(arrival.message));
    }
    const bool letters = gathered.kind == Kind::kLetters;
    const bool may_wait = letters && !batch.arrivals.empty() && !outcomes_are_due();
    const auto most = letters ? kOutcomes : kMailingsOutcomes;
    while (!may_wait && batch.outcomes.size() < most && !waiting_outcomes.empty()) {
        auto settled = std::move(waiting_outcomes.front());
        waiting_outcomes.pop_front();
        std::ranges::move(settled.outcomes, std::back_inserter(batch.outcomes));
        std::ranges::move(settled.own, std::back_inserter(batch.own));
        std::ranges::move(settled.delay_noticed, std::back_inserter(batch.delay_noticed));
        gathered.then.push_back(std::move(settled.then));
    }
    letters_wait_ = !waiting(Kind::kLetters).arrivals.empty() ||
                    (!may_wait && !waiting(Kind::kLetters).settled.empty());
    return gathered;
}

bool Committer::Gathered::at_once() const {
    return kind == Kind::kLetters && batch.arrivals.size() + then.size() <= kAtOnce;
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
        syncing_ = round.batch.arrivals.size() + round.then.size();
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
        if (at_once && last_at_once_ < kQuick) {
            written = call();
        } else {
            written = co_await async::blocking(loop_, call);
        }
    }
    if (!written) {
        log_.error("the queue cannot be written: {}", written.error());
        refuse(std::move(gathered));
        co_await async::sleep_for(loop_, kRetry, never);
        co_return;
    }
    if (!*written) {
        ++gathered.gave_way;
        gave_way_ = std::move(gathered);
        co_return;
    }
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
            entered(batch.arrivals[i]);
        } else {
            bodies_.drop_reference(batch.arrivals[i].envelope.body.file);
        }
        arrivals[i].then({.result = result}, batch.arrivals[i]);
    }
    for (std::size_t i = 0; i < batch.own.size(); ++i) {
        if (committed.own[i]) {
            entered(batch.own[i]);
            after_.own_accepted(batch.own[i]);
        } else {
            bodies_.drop_reference(batch.own[i].envelope.body.file);
        }
    }
    for (const auto& outcome : batch.outcomes)
        count(outcome);
    for (const auto& expansion : committed.expansions)
        after_.expanded(expansion);
    for (const auto& departure : committed.departures)
        departed(departure);
}

void Committer::entered(const spool::NewMessage& message) {
    ++flow_.accepted;
    ++totals_.messages;
    totals_.bytes += message.envelope.body.length;
}

void Committer::count(const spool::Outcome& outcome) {
    switch (outcome.state) {
        case spool::RecipientState::kDelivered:
            ++flow_.delivered;
            break;
        case spool::RecipientState::kRelayed:
            ++flow_.relayed;
            break;
        case spool::RecipientState::kFailed:
            ++flow_.failed;
            break;
        default:
            if (spool::waiting(outcome.state)) ++flow_.deferred;
    }
}

void Committer::departed(const spool::Departure& departure) {
    --totals_.messages;
    totals_.bytes -= departure.body.length;
    bodies_.bury(departure.body);
    after_.departed(departure);
}

// The disk is full. Clients are told now; what workers have done stays to be written, since it
// cannot be undone.
void Committer::refuse(Gathered gathered) {
    auto& batch = gathered.batch;
    for (std::size_t i = 0; i < gathered.arrivals.size(); ++i) {
        bodies_.drop_reference(batch.arrivals[i].envelope.body.file);
        gathered.arrivals[i].then({.disk_full = true}, batch.arrivals[i]);
    }
    if (gathered.then.empty()) return;
    auto all = [then = std::move(gathered.then)] {
        for (const auto& call : then)
            call();
    };
    waiting(gathered.kind)
        .settled.push_front({std::move(batch.outcomes), std::move(batch.own),
                             std::move(batch.delay_noticed), std::move(all)});
    more_waits(gathered.kind != Kind::kLetters);
}

}  // namespace veredus::queued
