#include "spool/queue/queue_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <set>
#include <stdexcept>

#include "spool/queue/rows.h"
#include "spool/queue/schema.h"
#include "spool/queue/story_of.h"

namespace veredus::spool {
namespace {

constexpr std::string_view kLedgerName = "ledger";

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

}  // namespace

QueueStore::QueueStore(Directory& directory, unsigned most_pages)
    : database_(directory, kQueueDatabase, Database::Sharing::kExclusive,
                Database::Sync::kOnRequest),
      checkpointer_(Database::reader(database_)),
      fresh_(database_.migrate(kQueueSchema) == 0),
      doors_(database_),
      ledger_(directory.open_directory(kLedgerName)),
      departing_(database_, directory.open_directory(kLedgerName)),
      write_mark_(database_.prepare(
          "UPDATE mark SET batch = ?1, durable = ?2, newest_file = ?3, open_segments = ?4")),
      select_message_(
          database_.prepare(fmt::format("SELECT {} FROM message WHERE id = ?1", kMessageColumns))),
      select_recipients_(database_.prepare(
          fmt::format("SELECT {} FROM recipient WHERE message = ?1", kRecipientColumns))),
      note_delay_(database_.prepare("UPDATE message SET delay_noticed = 1 WHERE id = ?1")) {
    database_.checkpoint_at(most_pages);
    auto mark = database_.prepare("SELECT batch, durable, newest_file, open_segments FROM mark");
    auto row = mark.query();
    if (!row.next()) throw std::runtime_error("queue.db has lost its mark");
    batch_ = row.get<std::uint64_t>(0);
    durable_ = row.get<std::uint64_t>(1);
    const auto horizon = Horizon::parse(row.get<std::uint64_t>(2), row.get<std::string>(3));
    if (!horizon) throw std::runtime_error("queue.db has a mark that cannot be read");
    horizon_ = *horizon;
}

QueueStore::Written QueueStore::write(const Batch& batch, BodyStore::SyncSet own_bodies,
                                      BodyStore::SyncSet arrival_bodies) {
    return write(batch, std::move(own_bodies), std::move(arrival_bodies), {}).value();
}

std::optional<QueueStore::Written> QueueStore::write(const Batch& batch,
                                                     BodyStore::SyncSet own_bodies,
                                                     BodyStore::SyncSet arrival_bodies,
                                                     GivesWay gives_way) {
    if (broken_) throw std::runtime_error("the queue must be opened again after a failed write");
    if (!own_bodies.run().empty()) throw DiskError(EIO, "sync", "the body of a notification");
    arrival_bodies.begin();
    ++batch_;
    Written written;
    written.batch = batch_;
    Horizon horizon = horizon_;
    horizon.move(arrival_bodies.segments());
    written.recoverable = recoverable(batch, horizon);
    for (const auto* arrivals : {&batch.ahead, &batch.arrivals}) {
        for (const auto& arrival : *arrivals)
            horizon.pass(arrival.envelope.body);
    }
    written.bodies = std::move(arrival_bodies);
    try {
        const Interruptible rows(database_, std::move(gives_way));
        written.committed = write_rows(batch, horizon);
    } catch (const DatabaseError& error) {
        if (!error.interrupted()) throw;
        return std::nullopt;
    }
    horizon_ = std::move(horizon);
    written.ledger = departing_.to_sync();
    return written;
}

bool QueueStore::recoverable(const Batch& batch, const Horizon& horizon) {
    const auto in_segment = [&](const NewMessage& arrival) {
        return horizon.recoverable(arrival.envelope.body);
    };
    return !(batch.ahead.empty() && batch.arrivals.empty()) && batch.own.empty() &&
           batch.outcomes.empty() && batch.delay_noticed.empty() &&
           std::ranges::all_of(batch.ahead, in_segment) &&
           std::ranges::all_of(batch.arrivals, in_segment);
}

void QueueStore::sync_rows(std::uint64_t batch) {
    database_.sync();
    rows_on_disk_ = batch;
}

void QueueStore::sync(Written& written, const SideBySide& side_by_side) {
    std::exception_ptr error;
    bool ledger_synced = true;
    Tasks tasks;
    const auto rows = [&] {
        try {
            sync_rows(written.batch);
        } catch (...) {
            error = std::current_exception();
        }
    };
    if (!written.recoverable) tasks.emplace_back(rows);
    if (!written.ledger.files.empty())
        tasks.emplace_back([&] { ledger_synced = written.ledger.files.run(); });
    written.bodies.add_to(tasks);
    side_by_side(tasks);
    written.failed_files = written.bodies.failed();
    departing_.synced(written.ledger, ledger_synced);
    if (error) std::rethrow_exception(error);
    departing_.publish(written.batch);
    if (written.failed_files.empty()) durable_ = written.batch;
}

void QueueStore::write_mark(std::uint64_t durable, const Horizon& horizon) {
    write_mark_.run(batch_, durable, horizon.newest(), horizon.text());
}

Committed QueueStore::write_rows(const Batch& batch, const Horizon& horizon) {
    Committed committed;
    Transaction transaction(database_);
    departing_.begin();
    // `durable` is what was on disk before this commit: its own bodies are still on their way.
    const std::uint64_t durable = durable_;
    write_mark(durable, horizon);
    auto outcomes = by_message(batch.outcomes);
    enter_ahead(batch.ahead, durable, outcomes, committed);
    for (const auto& arrival : batch.arrivals) {
        committed.arrivals.push_back(insert(arrival, batch_) ? ArrivalResult::kAccepted
                                                             : ArrivalResult::kDuplicateId);
    }
    apply(outcomes, committed);
    for (const auto& own : batch.own) {
        committed.own.push_back(still_true(own, batch, committed));
        if (committed.own.back() && !insert(own, batch_))
            throw std::logic_error("a notification's id is taken");
    }
    for (const auto id : batch.delay_noticed)
        note_delay_.run(id.value());
    departing_.store();
    transaction.commit();
    departing_.committed(batch_);
    return committed;
}

// A notification follows from outcomes of its batch; when all of them came too late, it must not
// go.
bool QueueStore::still_true(const NewMessage& own, const Batch& batch, const Committed& committed) {
    const auto about = own.envelope.about;
    const auto is_about = [&](const Outcome& outcome) { return outcome.message == about; };
    const auto outcomes = std::ranges::count_if(batch.outcomes, is_about);
    const auto stale = std::ranges::count(committed.stale, about, &StaleOutcome::first);
    return outcomes == 0 || outcomes > stale;
}

// `batch`: the first that is on disk with its body.
bool QueueStore::insert(const NewMessage& message, std::uint64_t batch) {
    if (message.recipients.empty()) throw std::invalid_argument("a message without recipients");
    if (!doors_.to_queued(message.envelope, batch, message.recipients.size())) return false;
    std::uint32_t number = 0;
    for (const auto& recipient : message.recipients)
        doors_.to_ready(message.envelope.id, ++number, recipient);
    return true;
}

// By message, and within one as they came: the order in their vector.
std::vector<const Outcome*> QueueStore::by_message(const std::vector<Outcome>& outcomes) {
    std::vector<const Outcome*> sorted;
    sorted.reserve(outcomes.size());
    for (const auto& outcome : outcomes)
        sorted.push_back(&outcome);
    std::ranges::sort(sorted, {}, [](const Outcome* o) { return std::pair(o->message, o); });
    return sorted;
}

// What is done before it has a row needs none: its story says all.
void QueueStore::enter_ahead(const std::vector<NewMessage>& messages, std::uint64_t durable,
                             std::vector<const Outcome*>& sorted, Committed& committed) {
    const auto message_of = [](const Outcome* outcome) { return outcome->message; };
    for (const auto& message : messages) {
        const auto id = message.envelope.id;
        const auto its = std::ranges::equal_range(sorted, id, {}, message_of);
        if (auto gone = passed_through(message, std::span(its))) {
            committed.departures.push_back({id, message.envelope.body});
            departing_.add(story_of(std::move(*gone), {}, std::span(its)));
            sorted.erase(its.begin(), its.end());
        } else if (!insert(message, durable)) {
            throw std::logic_error("the id of an acknowledged message is taken");
        }
    }
}

std::optional<Queued> QueueStore::passed_through(const NewMessage& message,
                                                 std::span<const Outcome* const> outcomes) {
    if (outcomes.size() != message.recipients.size()) return std::nullopt;
    Queued gone{message.envelope, MessageState::kQueued, {}, message.recipients, {}};
    for (auto& recipient : gone.recipients)
        recipient.state = RecipientState::kNone;
    for (const auto* outcome : outcomes) {
        const auto number = outcome->recipient;
        if (unfinished(outcome->state) || outcome->state == RecipientState::kExpanded) return {};
        if (number == 0 || number > gone.recipients.size()) return {};
        auto& state = gone.recipients[number - 1].state;
        if (state != RecipientState::kNone) return {};
        state = outcome->state;
    }
    return gone;
}

void QueueStore::apply(std::span<const Outcome* const> sorted, Committed& committed) {
    for (auto first = sorted.begin(); first != sorted.end();) {
        const auto last = std::find_if(
            first, sorted.end(), [&](const Outcome* o) { return o->message != (*first)->message; });
        apply_to_message(std::span(first, last), committed);
        first = last;
    }
}

void QueueStore::apply_to_message(std::span<const Outcome* const> outcomes, Committed& committed) {
    const mail::QueueId id = outcomes.front()->message;
    std::vector<const Outcome*> done;
    std::int64_t finished = 0;
    std::int64_t added = 0;
    for (const auto* outcome : outcomes) {
        const bool deferred = unfinished(outcome->state);
        if (!(deferred ? doors_.to_deferred(*outcome) : doors_.to_finished(*outcome))) {
            committed.stale.emplace_back(id, outcome->recipient);
            continue;
        }
        done.push_back(outcome);
        if (!deferred) ++finished;
        if (outcome->state == RecipientState::kExpanded) added += expand(*outcome, committed);
    }
    if (finished > 0 && added == 0 && leaves(done, finished, committed)) return;
    for (const auto* outcome : done) {
        if (outcome->tried) doors_.remember(*outcome);
    }
    doors_.count_unfinished(id, added - finished);
}

// If these were the last ones it waited for. Most messages leave with their first outcomes, which
// then never become rows of the history.
bool QueueStore::leaves(std::span<const Outcome* const> outcomes, std::int64_t finished,
                        Committed& committed) {
    auto gone = doors_.leave(outcomes.front()->message, finished);
    if (!gone) return false;
    const auto id = gone->envelope.id;
    committed.departures.push_back({id, gone->envelope.body});
    std::size_t attempts = 0;
    for (const auto& recipient : gone->recipients)
        attempts += recipient.attempts;
    auto history = attempts > outcomes.size() ? doors_.forget(id) : std::vector<HistoryLine>();
    departing_.add(story_of(std::move(*gone), std::move(history), outcomes));
    return true;
}

// An address the message already has is not added again, whatever became of it: so aliases cannot
// loop.
std::int64_t QueueStore::expand(const Outcome& outcome, Committed& committed) {
    std::set<std::string> known;
    std::uint32_t last_number = 0;
    for (const auto& recipient : recipients_of(outcome.message)) {
        known.insert(lower_case(recipient.address));
        last_number = std::max(last_number, recipient.number);
    }
    NewMessage entered;
    entered.envelope.id = outcome.message;
    for (const auto& recipient : outcome.expanded_to) {
        if (!known.insert(lower_case(recipient.address)).second) continue;
        doors_.to_ready(outcome.message, ++last_number, recipient);
        entered.recipients.push_back(recipient);
        entered.recipients.back().number = last_number;
    }
    const auto count = static_cast<std::int64_t>(entered.recipients.size());
    if (count > 0) committed.expansions.push_back(std::move(entered));
    return count;
}

// The envelopes are on disk, but their bodies are not, and never will be: nobody may find them
// there.
void QueueStore::take_back(const Batch& batch, Written& written) {
    broken_ = true;
    Transaction transaction(database_);
    for (std::size_t i = 0; i < batch.arrivals.size(); ++i) {
        const auto& envelope = batch.arrivals[i].envelope;
        auto& result = written.committed.arrivals[i];
        const bool lost = std::ranges::find(written.failed_files, envelope.body.file) !=
                          written.failed_files.end();
        if (!lost || result != ArrivalResult::kAccepted) continue;
        doors_.leave(envelope.id);  // without a story: it never was in the queue
        result = ArrivalResult::kBodyLost;
    }
    commit(transaction);
    durable_ = written.batch;
    broken_ = false;
}

void QueueStore::commit(Transaction& transaction) {
    transaction.commit();
    database_.sync();
}

void QueueStore::checkpoint_ahead() {
    checkpointer_.bring_over();
    checkpointer_.sync_main_file();
}

void QueueStore::checkpoint_rest() {
    checkpointer_.bring_over();
}

void QueueStore::note_closed(const OpenSegments& still_open) {
    horizon_.move(still_open);
    note_durable();
}

void QueueStore::note_durable() {
    if (broken_ || durable_ != batch_) return;
    write_mark(batch_, horizon_);
    if (rows_on_disk_ != batch_) sync_rows(batch_);
}

std::uint64_t QueueStore::shrink(const Worth& worth) {
    const auto [bytes, free] = database_.room();
    const auto used = bytes - free;
    if (free < worth.free || free < worth.times * used || used > worth.most) return 0;
    database_.vacuum();
    database_.sync();
    checkpoint_rest();
    return bytes - database_.room().bytes;
}

template <class Command>
std::vector<mail::QueueId> QueueStore::each(Ids ids, Command command) {
    std::vector<mail::QueueId> done;
    Transaction transaction(database_);
    for (const auto id : ids) {
        if (command(id)) done.push_back(id);
    }
    if (!done.empty()) commit(transaction);
    return done;
}

std::vector<mail::QueueId> QueueStore::hold(Ids ids, std::string_view reason) {
    return each(ids, [&](mail::QueueId id) {
        if (!doors_.to_held(id, reason)) return false;
        doors_.to_held(id);
        return true;
    });
}

std::vector<mail::QueueId> QueueStore::release(Ids ids, std::int64_t now_us) {
    return each(ids, [&](mail::QueueId id) {
        if (!doors_.to_queued(id)) return false;
        doors_.held_to_ready(id, now_us);
        return true;
    });
}

std::vector<mail::QueueId> QueueStore::retry(Ids ids, std::int64_t now_us) {
    return each(ids, [&](mail::QueueId id) { return doors_.waiting_to_ready(id, now_us) > 0; });
}

bool QueueStore::mark_damaged(mail::QueueId id, std::string_view reason) {
    Transaction transaction(database_);
    if (!doors_.to_damaged(id, reason)) return false;
    doors_.to_held(id);
    commit(transaction);
    return true;
}

std::vector<Departure> QueueStore::remove(Ids ids, std::int64_t now_us) {
    std::vector<Departure> departures;
    Transaction transaction(database_);
    departing_.begin();
    for (const auto id : ids) {
        auto gone = doors_.leave(id);
        if (!gone) continue;
        departures.push_back({id, gone->envelope.body});
        departing_.add(story_of_deleted(std::move(*gone), doors_.forget(id), now_us));
    }
    if (departures.empty()) return departures;
    departing_.store();
    commit(transaction);
    departing_.committed(batch_);
    departing_.publish(batch_);
    return departures;
}

std::optional<Departure> QueueStore::remove(mail::QueueId id, std::int64_t now_us) {
    const auto gone = remove({&id, 1}, now_us);
    return gone.empty() ? std::nullopt : std::optional(gone.front());
}

std::vector<mail::Pause> QueueStore::pauses() {
    std::vector<mail::Pause> all;
    auto select = database_.prepare("SELECT of, name, since_us FROM pause ORDER BY of, name");
    auto rows = select.query();
    while (rows.next())
        all.push_back(
            {rows.get<mail::PauseOf>(0), rows.get<std::string>(1), rows.get<std::int64_t>(2)});
    return all;
}

bool QueueStore::pause(const mail::Pause& pause) {
    auto insert = database_.prepare("INSERT INTO pause VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    const bool done = insert.run(pause.of, pause.name, pause.since_us) == 1;
    database_.sync();
    return done;
}

bool QueueStore::resume(const mail::Pause& pause) {
    auto remove = database_.prepare("DELETE FROM pause WHERE of = ?1 AND name = ?2");
    const bool done = remove.run(pause.of, pause.name) == 1;
    database_.sync();
    return done;
}

std::optional<std::string> QueueStore::settle_ledger(std::int64_t forget_before_us) {
    try {
        departing_.forget(forget_before_us);
    } catch (const DiskError& error) {
        return error.what();
    }
    if (departing_.settled()) return std::nullopt;
    // What is committed must be on disk before it is anywhere else.
    database_.sync();
    departing_.publish(batch_);
    return departing_.settle();
}

mail::QueueId QueueStore::newest_id() {
    auto select = database_.prepare("SELECT coalesce(max(id), 0) FROM message");
    auto row = select.query();
    row.next();
    return mail::QueueId(row.get<std::uint64_t>(0));
}

std::vector<Recipient> QueueStore::recipients_of(mail::QueueId id) {
    std::vector<Recipient> recipients;
    auto rows = select_recipients_.query(id.value());
    while (rows.next())
        recipients.push_back(recipient_from(rows));
    return recipients;
}

}  // namespace veredus::spool
