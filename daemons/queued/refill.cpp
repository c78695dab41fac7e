// The half of Dispatcher that brings work from the disk into the scheduler.
#include <algorithm>
#include <limits>
#include <utility>

#include "common/async/time.h"
#include "daemons/queued/dispatcher.h"

namespace veredus::queued {

namespace {

constexpr std::size_t kDueAtOnce = 400;
// The longest sleep: clocks are set, and what went wrong somewhere is found again.
constexpr std::int64_t kLongestSleep_us = 30'000'000;
constexpr std::int64_t kAtOnce = 0;
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
    if (added != Scheduler::Added::kYes) left_on_disk(place, added);
    pump_soon();  // some may have found room
}

void Dispatcher::expanded(const spool::NewMessage& message) {
    const auto id = message.envelope.id;
    const auto envelope = scheduler_.envelope(id);
    const auto now = env_.loop.clock().wall_us();
    const auto added = envelope ? scheduler_.add(env_.config, envelope, message.recipients, now)
                                : Scheduler::Added::kMemoryIsFull;
    if (added != Scheduler::Added::kYes)
        left_on_disk(before(id, message.recipients.front()), added);
    pump_soon();
}

Dispatcher::Looking::Looking(Dispatcher& dispatcher) : dispatcher_(dispatcher) {
    ++dispatcher_.looking_;
}

Dispatcher::Looking::~Looking() {
    if (--dispatcher_.looking_ > 0) return;
    dispatcher_.dropped_meanwhile_.clear();
    for (const auto& [message, recipient] : std::exchange(dispatcher_.settled_meanwhile_, {}))
        dispatcher_.scheduler_.forget(message, recipient);
    for (const auto message : dispatcher_.failures_.messages())
        dispatcher_.settle_failures(message);
    if (dispatcher_.worth_looking()) dispatcher_.look_.set();
}

// What became of it is on disk.
void Dispatcher::forget(mail::QueueId message, std::uint32_t recipient) {
    if (looking_ > 0) {
        settled_meanwhile_.emplace_back(message, recipient);
    } else {
        scheduler_.forget(message, recipient);
    }
}

void Dispatcher::drop(std::span<const mail::QueueId> messages) {
    scheduler_.drop(messages);
    if (looking_ > 0) dropped_meanwhile_.insert(messages.begin(), messages.end());
    if (worth_looking()) look_.set();
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

void Dispatcher::forget_rests() {
    suspensions_.forget_rests();
    for (auto* connection : connections_)
        if (connection->worker == Worker::relayd)
            connection->channel->send(ipc::work::ToWorker(ipc::work::Forget{}));
}

void Dispatcher::route_again() {
    forget_rests();
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
        wake_us_ = kNever;  // what is put off from here on may not be among what is found
        co_await mark_damaged(stop);
        const auto again = co_await load_due(env_.loop.clock().wall_us(), stop);
        pump_soon();
        co_await sleep_until(again, stop);
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
        drop({&task.envelope->id, 1});
        for (const auto& recipient : task.recipients)
            forget(task.envelope->id, recipient.number);
    }
}

async::Task<std::int64_t> Dispatcher::load_due(std::int64_t now_us, async::Stop& stop) {
    if (env_.config.queue.paused) co_return kNever;
    more_on_disk_ = !scheduler_.wants_more();
    if (more_on_disk_) co_return kNever;
    go_back();
    const auto moves = cursor_moves_;
    const Looking looking(*this);
    const auto search = [cursor = cursor_, now_us](spool::DueReader& reader) {
        return look(reader, cursor, now_us);
    };
    auto found = co_await committer_.beside(search, stop);
    if (moves == cursor_moves_) cursor_ = found.cursor;
    take(std::move(found.messages), now_us);
    if (moves == cursor_moves_) go_on(!found.full);
    const bool more = found.full || moves != cursor_moves_;
    more_on_disk_ = more && !scheduler_.wants_more();
    if (more) co_return more_on_disk_ ? kNever : kAtOnce;
    co_return found.next_us.value_or(kNever);
}

Dispatcher::Found Dispatcher::look(spool::DueReader& reader, spool::DueCursor from,
                                   std::int64_t now_us) {
    Found found{.cursor = from, .full = false, .messages = {}, .next_us = {}};
    auto due = reader.due(now_us, found.cursor, kDueAtOnce);
    found.full = due.size() == kDueAtOnce;
    for (auto& one : due)
        found.messages[one.message].recipients.push_back(std::move(one.recipient));
    for (auto& [id, message] : found.messages)
        message.envelope = reader.queued(id);
    if (!found.full) found.next_us = reader.next_due_us(now_us);
    return found;
}

void Dispatcher::take(std::map<mail::QueueId, Found::Message> messages, std::int64_t now_us) {
    for (auto& [id, message] : messages) {
        if (!message.envelope || unwanted(id)) continue;
        std::erase_if(message.recipients, [&](const spool::Recipient& recipient) {
            return scheduler_.knows(id, recipient.number);
        });
        if (message.recipients.empty()) continue;
        const auto place = before(id, message.recipients.front());
        const auto envelope = std::make_shared<spool::Envelope>(std::move(*message.envelope));
        const auto added =
            scheduler_.add(env_.config, envelope, std::move(message.recipients), now_us);
        if (added != Scheduler::Added::kYes) left_on_disk(place, added);
    }
}

// Or until there is something to look for.
async::Task<> Dispatcher::sleep_until(std::int64_t us, async::Stop& stop) {
    const auto now = env_.loop.clock().wall_us();
    wake_us_ = std::min(us, now + kLongestSleep_us);
    if (wake_us_ <= now) co_return;
    const auto wait = [&](async::Stop& step) -> async::Task<> { co_await look_.wait(step); };
    try {
        co_await async::with_timeout(env_.loop, stop, std::chrono::microseconds(wake_us_ - now),
                                     wait);
    } catch (const async::TimedOut&) {
    }
}

}  // namespace veredus::queued
