#include "tests/crash/queue_life.h"

#include <fmt/core.h>

#include <algorithm>

#include "spool/queue/due_reader.h"

namespace veredus::spool {

QueueLife::QueueLife(Directory& directory, Told& told, std::uint64_t seed, SideBySide side_by_side)
    : told_(told), random_(seed) {
    // Most lives are too short for a checkpoint; these have one after each few commits.
    constexpr std::array kPages{QueueStore::kMostPages, 10U, 30U, 60U};
    spool_.emplace(directory, std::move(side_by_side), kPages[seed % kPages.size()]);
    spool_->skip_ids(static_cast<std::int64_t>(1'000'000 * told.messages.size()));
}

bool QueueLife::live(int steps) {
    try {
        spool_->recover();
        note_what_was_not_told();
        for (int i = 0; i < steps; ++i)
            step();
        return true;
    } catch (const DiskError&) {
        return false;
    } catch (const DatabaseError&) {
        return false;
    }
}

// An alias may have been expanded by a commit that a crash kept from being told, and a message be
// in its segment whose client never came to ask for its commit.
void QueueLife::note_what_was_not_told() {
    for (const auto& message : QueueReader(spool_->queue).list({}, mail::QueueId(), 1'000'000)) {
        auto [told, is_new] = told_.messages.try_emplace(message.envelope.id);
        if (is_new) told->second.text = text_of(message.envelope.id);
        auto& known = told->second.recipients;
        for (auto i = known.size(); i < message.recipients.size(); ++i)
            known.push_back({.address = message.recipients[i].address});
    }
}

std::string QueueLife::text_of(mail::QueueId id) {
    return spool_->bodies.read(spool_->queue.show(id)->envelope.body).value();
}

void QueueLife::step() {
    switch (pick(10)) {
        case 0:
            spool_->start_new_segment();
            break;
        case 1:
            spool_->queue.note_durable();
            break;
        case 2:
        case 3:
            command();
            break;
        default:
            if (pick(3) == 0) {
                commit_one_behind_the_other();
            } else {
                commit_something();
            }
            break;
    }
}

void QueueLife::commit_something() {
    Batch batch;
    add_arrivals(batch);
    if (pick(8) == 0) spool_->start_new_segment();  // what was written is committed all the same
    add_outcomes(batch, batch);
    add_ahead(batch);
    note_offered(batch);
    note_committed(batch, spool_->commit(batch));
}

// As queued does: while one batch is on its way to the disk, the next is written.
void QueueLife::commit_one_behind_the_other() {
    Batch one;
    Batch other;
    add_arrivals(one);
    add_arrivals(other);
    // As letters pass mailings, which stand before them in the segment.
    if (pick(3) == 0) std::swap(one.arrivals, other.arrivals);
    add_outcomes(one, other);
    add_ahead(one);
    add_ahead(other);
    note_offered(one);
    auto written = spool_->write(one);
    note_offered(other);
    auto then = spool_->write(other);
    if (pick(3) == 0) spool_->queue.settle_ledger(0);
    if (pick(3) == 0) spool_->queue.checkpoint_ahead();
    note_committed(one, spool_->finish(one, written));
    note_committed(other, spool_->finish(other, then));
    if (pick(3) == 0) spool_->queue.checkpoint_rest();
    if (pick(3) == 0) spool_->bodies.to_compact(1).run();
    if (pick(8) == 0) spool_->queue.shrink({.free = 0, .times = 0});
}

void QueueLife::add_arrivals(Batch& batch) {
    std::vector<NewMessage> made;
    for (auto n = pick(4); n > 0; --n) {
        const std::size_t size = pick(20) == 0 ? kSingleFileThreshold + pick(50'000) : pick(3'000);
        const std::string text(size, static_cast<char>('a' + pick(26)));
        std::vector<Recipient> recipients;
        for (auto r = 1 + pick(3); r > 0; --r) {
            recipients.push_back(recipient_at(fmt::format("r{}@b.example", ++addresses_)));
        }
        spool_->seal(pick(4) != 0);
        made.push_back(spool_->make(text, std::move(recipients)));
        note_new(made.back(), text);
    }
    if (pick(3) == 0) std::ranges::reverse(made);  // they stand otherwise in their segment
    for (auto& message : made) {
        if (spool_->entrance.may_go_ahead(message, pick(2) == 0)) {
            acknowledge_ahead(std::move(message));
        } else {
            batch.arrivals.push_back(std::move(message));
        }
    }
}

void QueueLife::acknowledge_ahead(NewMessage message) {
    const std::vector file{message.envelope.body.file};
    if (spool_->bodies.to_sync(file).run().empty()) {
        told_.messages.at(message.envelope.id).acknowledged = true;
        ahead_.push_back(std::move(message));
    } else {
        spool_->entrance.entered(message);
        spool_->bodies.drop_reference(file.front());
    }
}

// No row before those of the messages that went ahead; what became of them with their rows, if need
// be.
void QueueLife::add_ahead(Batch& batch) {
    auto count = batch.arrivals.empty() ? pick(ahead_.size() + 1) : ahead_.size();
    for (; count > 0; --count) {
        const auto& message = batch.ahead.emplace_back(std::move(ahead_.front()));
        ahead_.pop_front();
        if (pick(2) == 0) continue;
        auto first = message.recipients.front();
        first.number = 1;
        add_outcome(batch, message.envelope.id, first);
    }
}

void QueueLife::note_new(const NewMessage& message, std::string_view text) {
    auto& told = told_.messages[message.envelope.id];
    told.text = text;
    for (const auto& recipient : message.recipients) {
        told.recipients.push_back({.address = recipient.address});
    }
}

void QueueLife::add_outcomes(Batch& one, Batch& other) {
    DueCursor cursor;
    for (const auto& due : DueReader(spool_->queue).due(kTestNow + 1'000'000'000, cursor, 8)) {
        if (pick(2) == 0) add_outcome(pick(2) == 0 ? one : other, due.message, due.recipient);
    }
}

void QueueLife::add_outcome(Batch& batch, mail::QueueId id, const Recipient& recipient) {
    using enum RecipientState;
    constexpr std::array kOutcomes{kDeferred, kInDoubt, kDelivered, kRelayed,
                                   kRelayed,  kFailed,  kExpanded};
    auto outcome = outcome_of(id, recipient.number, kOutcomes[pick(kOutcomes.size())]);
    outcome.at_us += static_cast<std::int64_t>(pick(1'000'000));
    if (outcome.state == kExpanded) {
        outcome.expanded_to.push_back(recipient_at(fmt::format("x{}@b.example", ++addresses_)));
        outcome.expanded_to.push_back(recipient_at(recipient.address));
    }
    if (outcome.state == kFailed) {
        const std::string text = fmt::format("{} is unknown\r\n", recipient.address);
        batch.own.push_back(spool_->make(text, {recipient_at("sender@a.example")}, true, ""));
        batch.own.back().envelope.about = id;
        note_new(batch.own.back(), text);
        auto& told = told_.messages.at(id).recipients.at(recipient.number - 1);
        told.bounce = batch.own.back().envelope.id;
    }
    batch.outcomes.push_back(std::move(outcome));
}

void QueueLife::note_offered(const Batch& batch) {
    for (const auto& outcome : batch.outcomes) {
        auto& message = told_.messages.at(outcome.message);
        message.recipients.at(outcome.recipient - 1).offered = outcome.state;
    }
}

void QueueLife::note_committed(const Batch& batch, const Committed& committed) {
    for (std::size_t i = 0; i < batch.arrivals.size(); ++i) {
        if (committed.arrivals[i] != ArrivalResult::kAccepted) continue;
        told_.messages.at(batch.arrivals[i].envelope.id).acknowledged = true;
    }
    for (std::size_t i = 0; i < batch.own.size(); ++i)
        told_.messages.at(batch.own[i].envelope.id).acknowledged = committed.own[i];
    for (const auto& outcome : batch.outcomes) {
        auto& message = told_.messages.at(outcome.message);
        message.recipients.at(outcome.recipient - 1).committed = outcome.state;
    }
    for (const auto& entered : committed.expansions) {
        auto& message = told_.messages.at(entered.envelope.id);
        for (const auto& recipient : entered.recipients) {
            message.recipients.push_back({.address = recipient.address});
        }
    }
}

std::optional<mail::QueueId> QueueLife::any_message() {
    const auto listed = QueueReader(spool_->queue).list({}, mail::QueueId(), 10);
    if (listed.empty()) return std::nullopt;
    return listed[pick(listed.size())].envelope.id;
}

void QueueLife::command() {
    const auto id = any_message();
    if (!id) return;
    auto& queue = spool_->queue;
    switch (pick(5)) {
        case 0:
            queue.hold(*id, "a reason");
            break;
        case 1:
        case 2:
            queue.release(*id, kTestNow);
            break;
        case 3:
            queue.retry(*id, kTestNow);
            break;
        default:
            auto& told = told_.messages.at(*id);
            told.removal_offered = true;
            if (const auto gone = queue.remove(*id, kTestNow)) {
                told.removal_committed = true;
                spool_->bodies.bury(gone->body);
            }
            break;
    }
}

namespace {

class Examination {
  public:
    Examination(FaultDisk& disk, const Told& told) : disk_(disk), told_(told) {}

    std::vector<std::string> run() {
        look_before_recovery();
        {
            TestSpool spool(disk_.root());
            spool.recover();
            for (const auto& finding : spool.queue.check(&spool.bodies))
                fault("check: {}", finding);
            read_ledger();
            for (const auto& [id, message] : told_.messages)
                examine(spool, id, message);
            finish_all(spool);
        }
        read_ledger();
        for (const auto& [id, message] : told_.messages) {
            if (message.acknowledged && !stories_.contains(id)) fault("{} has no story", id.text());
        }
        const auto body = disk_.root().open_directory("body");
        for (const auto& name : body->list()) {
            const bool kept = name.ends_with(EmptyFiles::kSuffix);
            if (!kept || body->open(name, Access::kRead)->size() > 0)
                fault("{} is left of an empty queue", name);
        }
        return faults_;
    }

  private:
    template <class... Args>
    void fault(fmt::format_string<Args...> text, Args&&... args) {
        faults_.push_back(fmt::format(text, std::forward<Args>(args)...));
    }

    // Whatever the crash left must be a row of the table, and no damage within the mark.
    void look_before_recovery() {
        QueueStore queue(disk_.root());
        BodyStore bodies(disk_.root().open_directory("body"));
        std::map<std::uint64_t, std::uint64_t> files;
        for (const auto& message : QueueReader(queue).list({}, mail::QueueId(), 1'000'000)) {
            ++files[message.envelope.body.file];
        }
        bodies.recover(files, BodyStore::Unneeded::kLeave);
        for (const auto& [id, found] : queue.survey(bodies)) {
            const auto* finding = finding_for(found);
            if (finding == nullptr) {
                fault("{} is in no row of the table of states", id.text());
            } else if (finding->name != "queued" && finding->name != "held" &&
                       finding->name != "unacknowledged") {
                fault("{} was found: {}", id.text(), finding->name);
            }
        }
    }

    void read_ledger() {
        stories_.clear();
        for (auto& story : stories_in(disk_.root())) {
            const auto id = story.id;
            if (!stories_.emplace(id, std::move(story)).second)
                fault("{} has two stories", id.text());
        }
    }

    // The states a recipient came into, by the history of what is in the queue or the story of what
    // has left.
    std::vector<RecipientState> states_of(TestSpool& spool, mail::QueueId id,
                                          std::uint32_t number) {
        std::vector<RecipientState> states;
        for (const auto& line : spool.queue.history(id)) {
            if (line.recipient == number) states.push_back(line.state);
        }
        const auto story = stories_.find(id);
        if (story == stories_.end() || number > story->second.recipients.size()) return states;
        for (const auto& attempt : story->second.recipients[number - 1].attempts) {
            for (const auto& meaning : kRecipientMeanings) {
                if (meaning.name == attempt.state) states.push_back(meaning.state);
            }
        }
        return states;
    }

    void examine(TestSpool& spool, mail::QueueId id, const Told::Message& told) {
        const auto queued = spool.queue.show(id);
        if (queued && stories_.contains(id))
            fault("{} is in the ledger and has not left", id.text());
        // Whatever has left has its story.
        if (told.acknowledged && !queued && !stories_.contains(id)) {
            fault("{} is gone without a story", id.text());
        }
        if (queued) {
            const auto& body = queued->envelope.body;
            const auto verified = spool.bodies.verify(body);
            if (!verified) {
                fault("{}: {}", id.text(), verified.error().text);
            } else if (body.length < kSingleFileThreshold &&
                       spool.bodies.read(body).value() != told.text) {
                fault("{}: other bytes than those that arrived", id.text());
            }
            if (told.removal_committed) fault("{} was deleted and is back", id.text());
        }
        if (told.removal_offered) return;
        for (std::size_t i = 0; i < told.recipients.size(); ++i) {
            examine_recipient(spool, id, told, i, queued);
        }
    }

    void examine_recipient(TestSpool& spool, mail::QueueId id, const Told::Message& told,
                           std::size_t index, const std::optional<Queued>& queued) {
        const auto& recipient = told.recipients[index];
        const auto number = static_cast<std::uint32_t>(index + 1);
        const auto name = fmt::format("{} {}", id.text(), recipient.address);
        const bool finish_offered = recipient.offered && !unfinished(*recipient.offered);
        const bool finish_committed = recipient.committed && !unfinished(*recipient.committed);
        auto state = RecipientState::kNone;
        if (queued && index < queued->recipients.size()) state = queued->recipients[index].state;
        std::optional<RecipientState> last;
        for (const auto came_into : states_of(spool, id, number)) {
            if (!unfinished(came_into)) last = came_into;
        }
        // (1), (3): what was acknowledged and not finished is still there.
        if (told.acknowledged && !finish_offered && !unfinished(state)) fault("{} is lost", name);
        // (2): nothing is marked done that nobody did.
        if (!finish_offered && (last || (state != RecipientState::kNone && !unfinished(state)))) {
            fault("{} is marked done but was not", name);
        }
        if (finish_committed && unfinished(state)) fault("{} was done and is due again", name);
        if (finish_committed && last != recipient.committed) fault("{} is not in the ledger", name);
        // A message that is gone was finished by its story too.
        if (told.acknowledged && !queued && !last) fault("{} is gone and was not finished", name);
        // A verdict and its bounce come together.
        if (last == RecipientState::kFailed && recipient.bounce &&
            !spool.queue.show(*recipient.bounce) && !stories_.contains(*recipient.bounce) &&
            !told_.messages.at(*recipient.bounce).removal_offered) {
            fault("{} failed and its sender was never told", name);
        }
    }

    void finish_all(TestSpool& spool) {
        for (const auto& message : QueueReader(spool.queue).list({}, mail::QueueId(), 1'000'000)) {
            std::vector<Outcome> outcomes;
            for (const auto& recipient : message.recipients) {
                if (!unfinished(recipient.state)) continue;
                outcomes.push_back(outcome_of(message.envelope.id, recipient.number,
                                              RecipientState::kRelayed, kTestNow + 10'000'000));
            }
            spool.record(std::move(outcomes));
        }
        if (QueueReader(spool.queue).count({}) != 0)
            fault("messages do not leave when they are done");
    }

    FaultDisk& disk_;
    const Told& told_;
    std::map<mail::QueueId, Story> stories_;
    std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> faults_after_crash(FaultDisk& disk, const Told& told) {
    try {
        return Examination(disk, told).run();
    } catch (const std::runtime_error& error) {
        return {fmt::format("it cannot be read: {}", error.what())};
    }
}

}  // namespace veredus::spool
