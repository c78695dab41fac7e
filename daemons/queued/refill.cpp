// The half of Dispatcher that brings work from the disk into the scheduler.
#include <algorithm>
#include <limits>
#include <utility>

#include "common/async/time.h"
#include "daemons/queued/dispatcher.h"

namespace veredus::queued {

namespace {

// Letters wait while so many are read.
constexpr std::size_t kDueAtOnce = 50;
constexpr std::size_t kDueWithoutLetters = 400;
// The longest sleep: clocks are set, and what went wrong somewhere is found again.
constexpr std::int64_t kLongestSleep_us = 30'000'000;
constexpr auto kNever = std::numeric_limits<std::int64_t>::max();

// The place just before a recipient.
spool::DueCursor before(mail::QueueId message, const spool::Recipient& recipient) {
    return {recipient.next_attempt_us, message.value(), recipient.number - 1};
}

}  // namespace

void Dispatcher::accepted(const spool::NewMessage& message) {
    const auto envelope = std::make_shared<spool::Envelope>(message.envelope);
    auto recipients = message.recipients;
    for (std::uint32_t i = 0; i < recipients.size(); ++i)
        recipients[i].number = i + 1;
    env_.log.message(envelope->id.text(), "from=<{}>, size={}, nrcpt={} (queue active)",
                     envelope->reverse_path, envelope->body.length, recipients.size());
    const auto place = before(envelope->id, recipients.front());
    const auto added =
        scheduler_.add(env_.config, envelope, std::move(recipients), envelope->id.arrival_us());
    if (added == Scheduler::Added::kYes) return pump_soon();
    left_on_disk(place, added);
}

void Dispatcher::expanded(const spool::NewMessage& message) {
    const auto id = message.envelope.id;
    const auto envelope = scheduler_.envelope(id);
    const auto now = env_.loop.clock().wall_us();
    const auto added = envelope ? scheduler_.add(env_.config, envelope, message.recipients, now)
                                : Scheduler::Added::kMemoryIsFull;
    if (added == Scheduler::Added::kYes) return pump_soon();
    left_on_disk(before(id, message.recipients.front()), added);
}

void Dispatcher::departed(const spool::Departure& departure) {
    env_.log.message(departure.id.text(), "removed");
}

// What is due from here on is to be looked at again.
void Dispatcher::rewind(const spool::DueCursor& cursor) {
    if (cursor >= cursor_) return;
    cursor_ = cursor;
    ++cursor_moves_;
}

void Dispatcher::left_on_disk(const spool::DueCursor& place, Scheduler::Added why) {
    if (why == Scheduler::Added::kMemoryIsFull) {
        rewind(place);
        more_on_disk_ = true;
    } else if (!passed_over_ || place < *passed_over_) {
        passed_over_ = place;
    }
}

bool Dispatcher::worth_looking() const {
    return scheduler_.wants_more() && (more_on_disk_ || (passed_over_ && scheduler_.hungry()));
}

// Back to where the mail of a full share was passed over, once it has room for more ...
void Dispatcher::go_back() {
    if (back_from_ || !passed_over_ || !scheduler_.hungry()) return;
    back_from_ = cursor_;
    rewind(*std::exchange(passed_over_, std::nullopt));
}

// ... and on from where that was left, when it is full again or all was offered.
void Dispatcher::go_on(bool came_to_the_end) {
    if (!back_from_) return;
    const bool all_offered = came_to_the_end || cursor_ >= *back_from_;
    if (all_offered) scheduler_.fed();
    if (scheduler_.hungry()) return;
    cursor_ = std::max(cursor_, *back_from_);
    back_from_.reset();
}

void Dispatcher::look_again() {
    passed_over_.reset();
    back_from_.reset();
    rewind({});
    look_.set();
}

void Dispatcher::route_again() {
    suspensions_.forget_rests();
    scheduler_.drop_waiting();
    scheduler_.set_limits(env_.config);
    look_again();
}

void Dispatcher::due_at(std::int64_t us) {
    if (us < wake_us_) look_.set();
}

async::Task<> Dispatcher::refill(async::Stop& stop) {
    for (;;) {
        look_.reset();
        co_await mark_damaged(stop);
        const auto now = env_.loop.clock().wall_us();
        const auto looked = co_await load_due(now, stop);
        pump_soon();
        if (looked != Looked::kThereIsMore) co_await sleep_until_due(looked, now, stop);
    }
}

async::Task<> Dispatcher::mark_damaged(async::Stop& stop) {
    const auto found = std::exchange(to_mark_damaged_, {});
    if (found.empty()) co_return;
    const auto mark = [&found](spool::QueueStore& store) {
        for (const auto& [task, why] : found)
            store.mark_damaged(task.envelope->id, why);
        return true;
    };
    co_await committer_.with_store(mark, stop);
    for (const auto& [task, why] : found) {
        scheduler_.drop({&task.envelope->id, 1});
        for (const auto& recipient : task.recipients)
            scheduler_.forget(task.envelope->id, recipient.number);
    }
}

async::Task<Dispatcher::Looked> Dispatcher::load_due(std::int64_t now, async::Stop& stop) {
    if (env_.config.queue.paused) co_return Looked::kNotAtAll;
    more_on_disk_ = !scheduler_.wants_more();
    if (more_on_disk_) co_return Looked::kNotAtAll;
    go_back();
    const auto moves = cursor_moves_;
    const auto search = [this, cursor = cursor_, now](spool::QueueStore& store) {
        Found found(cursor);
        do {
            found.look(store, now);
        } while (found.full && found.recipients < kDueWithoutLetters && !committer_.letters_wait());
        return found;
    };
    auto found = co_await committer_.with_store(search, stop);
    if (moves == cursor_moves_) cursor_ = found.cursor;
    take(std::move(found.messages), now);
    if (moves == cursor_moves_) go_on(!found.full);
    more_on_disk_ = found.full && !scheduler_.wants_more();
    if (!found.full) co_return Looked::kAllIsHere;
    co_return more_on_disk_ ? Looked::kNotAtAll : Looked::kThereIsMore;
}

void Dispatcher::Found::look(spool::QueueStore& store, std::int64_t now_us) {
    auto due = store.due(now_us, cursor, kDueAtOnce);
    full = due.size() == kDueAtOnce;
    recipients += due.size();
    for (auto& one : due)
        messages[one.message].recipients.push_back(std::move(one.recipient));
    for (auto& [id, message] : messages) {
        if (message.envelope) continue;
        auto shown = store.show_without_recipients(id);
        if (!shown || shown->state != spool::MessageState::kQueued) continue;
        message.envelope = std::make_shared<spool::Envelope>(std::move(shown->envelope));
    }
}

void Dispatcher::take(std::map<mail::QueueId, Found::Message> messages, std::int64_t now_us) {
    for (auto& [id, message] : messages) {
        if (!message.envelope) continue;
        std::erase_if(message.recipients, [&](const spool::Recipient& recipient) {
            return scheduler_.knows(id, recipient.number);
        });
        if (message.recipients.empty()) continue;
        const auto place = before(id, message.recipients.front());
        const auto added =
            scheduler_.add(env_.config, message.envelope, std::move(message.recipients), now_us);
        if (added != Scheduler::Added::kYes) left_on_disk(place, added);
    }
}

// Until the first recipient after `now`, up to which all are here, or until there is something to
// look for.
async::Task<> Dispatcher::sleep_until_due(Looked looked, std::int64_t now, async::Stop& stop) {
    std::optional<std::int64_t> next;
    if (looked == Looked::kAllIsHere) {
        const auto ask = [now](spool::QueueStore& store) { return store.next_due_us(now); };
        next = co_await committer_.with_store(ask, stop);
    }
    wake_us_ = std::min(next.value_or(kNever), now + kLongestSleep_us);
    const std::chrono::microseconds pause(wake_us_ - env_.loop.clock().wall_us());
    if (pause.count() <= 0) co_return;  // its time has come while it was asked for
    const auto wait = [&](async::Stop& step) -> async::Task<> { co_await look_.wait(step); };
    try {
        co_await async::with_timeout(env_.loop, stop, pause, wait);
    } catch (const async::TimedOut&) {
    }
}

}  // namespace veredus::queued
