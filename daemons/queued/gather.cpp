// The half of Committer that decides what is written next.
#include <algorithm>
#include <iterator>
#include <utility>

#include "common/async/time.h"
#include "daemons/queued/at_once.h"
#include "daemons/queued/committer.h"

namespace veredus::queued {

using async::Stop;
using async::Task;

namespace {

// A batch with more recipients than this that come, or outcomes, makes the first of it wait for the
// last, and letters for a mailing's.
constexpr std::size_t kRecipients = 512;
constexpr std::size_t kOutcomes = 128;
constexpr std::size_t kMailingsOutcomes = 64;
// For outcomes nobody waits, nor for the rows of what went ahead: they gather until they are so
// many or have waited so long.
constexpr std::size_t kOutcomesWorthSync = 32;
constexpr std::size_t kRowsWorthWriting = 64;
constexpr auto kForCompany = std::chrono::milliseconds(5);

}  // namespace

bool Committer::ready(Kind kind) const {
    const auto& [arrivals, settled] = waiting(kind);
    const bool may_enter = !arrivals.empty() && arrivals.front().after < admission_.oldest();
    return may_enter || !settled.empty() || (kind == Kind::kLetters && admission_.rows() > 0);
}

bool Committer::bulk_is_ready() const {
    return gave_way_ || ready(Kind::kMailings) || ready(Kind::kMailingsOutcomes);
}

// While a round is on its way to the disk, one at least as large may be made ready to follow it,
// and letters behind bulk; smaller ones wait until it is there, since each sync costs the same for
// few as for many.
bool Committer::worth_writing() const {
    if (!written_.empty()) return false;
    if (!again_ && !ready(Kind::kLetters) && !bulk_is_ready()) return false;
    if (last_kind_ != Kind::kLetters && !waiting(Kind::kLetters).arrivals.empty()) return true;
    return syncing_ == 0 || waiting() >= syncing_;
}

std::size_t Committer::patient() const {
    return admission_.rows() + waiting(Kind::kLetters).settled.size();
}

// Where the clock stands still, in tests, nobody waits for it.
bool Committer::patience_ends() const {
    return admission_.rows() >= kRowsWorthWriting ||
           waiting(Kind::kLetters).settled.size() >= kOutcomesWorthSync || hurrying_ > 0 ||
           !loop_.clock().moves() ||
           (patient_since_ && loop_.clock().now() - *patient_since_ >= kForCompany);
}

Task<> Committer::wait_for_company(Stop& failed) {
    const auto all_are_patient = [this] { return patient() == waiting(); };
    if (!all_are_patient() || patience_ends()) co_return;
    bool waits = true;
    async::Timer timer(loop_);
    timer.start(kForCompany - (loop_.clock().now() - *patient_since_), [&] {
        waits = false;
        changed_.wake_all();
    });
    while (waits && all_are_patient() && !patience_ends())
        co_await changed_.wait(failed);
}

// Letters, then something of a mailing, if there is both; of mailings in turn what comes and what
// has become of others.
Committer::Kind Committer::next_kind() {
    const bool bulk = bulk_is_ready();
    const bool urgent = !waiting(Kind::kLetters).arrivals.empty() || patience_ends();
    const bool letters = ready(Kind::kLetters) && (!bulk || urgent);
    if (letters && (!bulk || last_kind_ != Kind::kLetters)) return Kind::kLetters;
    if (gave_way_) return gave_way_->kind;
    const auto other = last_of_bulk_ == Kind::kMailings ? Kind::kMailingsOutcomes : Kind::kMailings;
    if (ready(other)) last_of_bulk_ = other;
    return last_of_bulk_;
}

// As much as is written in a few milliseconds: what comes next waits for all of it.
Committer::Gathered Committer::gather() {
    if (again_) {
        last_kind_ = again_->kind;
        return *std::exchange(again_, std::nullopt);
    }
    Gathered gathered;
    gathered.kind = last_kind_ = next_kind();
    if (gathered.kind != Kind::kLetters && gave_way_)
        return *std::exchange(gave_way_, std::nullopt);
    const bool letters = gathered.kind == Kind::kLetters;
    const bool due = patience_ends();
    auto& [arrivals, waiting_outcomes] = waiting(gathered.kind);
    auto& batch = gathered.batch;
    std::size_t rows = 0;
    if (letters) {
        auto ahead = admission_.gather(kRecipients);
        rows = ahead.recipients;
        gathered.last_ahead = ahead.last;
        batch.ahead = std::move(ahead.messages);
    }
    while (rows < kRecipients && !arrivals.empty() &&
           arrivals.front().after < admission_.oldest()) {
        auto& arrival = gathered.arrivals.emplace_back(std::move(arrivals.front()));
        arrivals.pop_front();
        rows += arrival.message.recipients.size();
        batch.arrivals.push_back(std::move(arrival.message));
    }
    // They need one more sync than letters alone. None comes before its message.
    const bool may_wait = letters && !batch.arrivals.empty() && !due;
    const auto known = letters ? admission_.oldest() : Admission::kNone;
    const auto most = letters ? kOutcomes : kMailingsOutcomes;
    while (!may_wait && batch.outcomes.size() < most && !waiting_outcomes.empty() &&
           waiting_outcomes.front().after < known) {
        auto settled = std::move(waiting_outcomes.front());
        waiting_outcomes.pop_front();
        std::ranges::move(settled.outcomes, std::back_inserter(batch.outcomes));
        std::ranges::move(settled.own, std::back_inserter(batch.own));
        std::ranges::move(settled.delay_noticed, std::back_inserter(batch.delay_noticed));
        gathered.then.push_back(std::move(settled.then));
    }
    letters_wait_ = !waiting(Kind::kLetters).arrivals.empty();
    if (patient() == 0) patient_since_.reset();
    return gathered;
}

// Of what went ahead all is on disk that must be.
bool Committer::Gathered::nothing_to_sync() const {
    return batch.arrivals.empty() && then.empty();
}

bool Committer::Gathered::at_once() const {
    const bool few = batch.ahead.size() + batch.arrivals.size() + then.size() <= kAtOnce;
    return kind == Kind::kLetters && (few || nothing_to_sync());
}

}  // namespace veredus::queued
