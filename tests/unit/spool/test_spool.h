#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ipc/intake.h"
#include "common/ipc/wire.h"
#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/body/record.h"
#include "spool/disk/fault_disk.h"
#include "spool/ledger/story.h"
#include "spool/queue/entrance.h"
#include "spool/queue/queue_store.h"

namespace veredus::spool {

inline constexpr std::int64_t kTestNow = 1'763'892'540'000'000;

inline void last_first(const Tasks& tasks) {
    for (auto task = tasks.rbegin(); task != tasks.rend(); ++task)
        (*task)();
}

inline Recipient recipient_at(std::string address, std::int64_t due_us = kTestNow) {
    Recipient recipient;
    recipient.destination = address.substr(address.find('@') + 1);
    recipient.address = std::move(address);
    recipient.next_attempt_us = due_us;
    return recipient;
}

inline Outcome outcome_of(mail::QueueId id, std::uint32_t recipient, RecipientState state,
                          std::int64_t at_us = kTestNow) {
    Outcome outcome;
    outcome.message = id;
    outcome.recipient = recipient;
    outcome.state = state;
    outcome.at_us = at_us;
    outcome.status = state == RecipientState::kFailed ? "5.1.1" : "2.0.0";
    outcome.reply = "said the other side";
    outcome.remote = "mx.b.example[192.0.2.1]:25";
    if (waiting(state)) outcome.next_attempt_us = at_us + 300'000'000;
    return outcome;
}

inline std::vector<std::uint64_t> files_of(const std::vector<NewMessage>& messages) {
    std::vector<std::uint64_t> files;
    for (const auto& message : messages)
        files.push_back(message.envelope.body.file);
    return files;
}

// Everything in the ledger, oldest first; an incomplete last line is none.
inline std::vector<Story> stories_in(Directory& root) {
    std::vector<Story> stories;
    const auto ledger = root.open_directory("ledger");
    for (const auto& name : ledger->list()) {
        const auto text = read_all(*ledger->open(name, Access::kRead));
        for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1) {
            if (auto story = parse_story(std::string_view(text).substr(at, end - at)))
                stories.push_back(std::move(*story));
        }
    }
    return stories;
}

// As a client seals it behind its message.
inline std::string sealed_form(const NewMessage& message) {
    const auto& e = message.envelope;
    ipc::intake::Envelope envelope{.id = e.id,
                                   .reverse_path = e.reverse_path,
                                   .envelope_id = e.envelope_id,
                                   .ret = e.ret,
                                   .body_type = e.body_type,
                                   .client = e.client,
                                   .recipients = {},
                                   .message_id = e.message_id,
                                   .priority = e.priority};
    for (const auto& recipient : message.recipients)
        envelope.recipients.push_back(
            {recipient.address, recipient.original_recipient, recipient.notify});
    std::string out;
    ipc::encode(ipc::intake::Sealed(std::move(envelope)), out);
    return out;
}

// A queue with its bodies on any disk, used as queued uses them: one segment at a time, bodies of
// notifications in one of their own.
class TestSpool {
  public:
    explicit TestSpool(Directory& directory, SideBySide side_by_side = one_by_one,
                       unsigned most_pages = QueueStore::kMostPages)
        : side_by_side_(std::move(side_by_side)),
          queue(directory, most_pages),
          bodies(directory.open_directory("body"), 2) {}

    Recovered recover() {
        auto recovered = queue.recover(bodies);
        entrance.start(queue.newest_id());
        return recovered;
    }

    // A message whose body stands in the segment, or in a file of its own when it is large.
    NewMessage make(std::string_view text, std::vector<Recipient> recipients, bool own = false,
                    std::string reverse_path = "sender@a.example") {
        NewMessage message;
        auto& e = message.envelope;
        e.id = mail::QueueId::make(kTestNow + ++made_, 0);
        e.reverse_path = std::move(reverse_path);
        e.expires_us = kTestNow + 432'000'000'000;
        e.client.name = "client.example";
        message.recipients = std::move(recipients);
        write_body(message, text, own);
        return message;
    }
    // Its bytes, of a message of which all else is known.
    void write_body(NewMessage& message, std::string_view text, bool own = false) {
        auto& e = message.envelope;
        const auto sealed = seals_ && !own ? sealed_form(message) : std::string();
        e.body = text.size() > kSingleFileThreshold
                     ? write_single(text)
                     : write_record(own ? own_ : clients_, e, text, sealed);
    }

    Committed commit(const Batch& batch) {
        auto written = write(batch);
        return finish(batch, written);
    }
    // The two halves of it: other batches may be written between them.
    QueueStore::Written write(const Batch& batch) {
        auto written = queue.write(batch, bodies.to_sync(files_of(batch.own)),
                                   bodies.to_sync(files_of(batch.arrivals)));
        for (const auto& message : batch.ahead)
            entrance.entered(message);
        return written;
    }
    Committed finish(const Batch& batch, QueueStore::Written& written) {
        queue.sync(written, side_by_side_);
        if (!written.failed_files.empty()) queue.take_back(batch, written);
        const auto& committed = written.committed;
        for (const auto& gone : committed.departures)
            bodies.bury(gone.body);
        for (std::size_t i = 0; i < batch.arrivals.size(); ++i) {
            if (committed.arrivals[i] == ArrivalResult::kAccepted) continue;
            bodies.drop_reference(batch.arrivals[i].envelope.body.file);
        }
        for (std::size_t i = 0; i < batch.own.size(); ++i) {
            if (!committed.own[i]) bodies.drop_reference(batch.own[i].envelope.body.file);
        }
        singles_.clear();
        return committed;
    }

    // One message in a batch of its own.
    mail::QueueId accept(std::string_view text, std::vector<Recipient> recipients) {
        Batch batch;
        batch.arrivals.push_back(make(text, std::move(recipients)));
        commit(batch);
        return batch.arrivals[0].envelope.id;
    }
    Committed record(std::vector<Outcome> outcomes) {
        Batch batch;
        batch.outcomes = std::move(outcomes);
        return commit(batch);
    }

    void start_new_segment() { clients_ = {}; }
    // Whether clients seal their envelopes behind their messages.
    void seal(bool seals) { seals_ = seals; }
    // Ids go on from here, for a spool that is opened again.
    void skip_ids(std::int64_t count) { made_ += count; }

  private:
    struct Segment {
        std::unique_ptr<BodyStore::Lease> lease;
        std::optional<SegmentWriter> writer;
    };

    mail::BodyRef write_record(Segment& segment, const Envelope& e, std::string_view text,
                               std::string_view sealed) {
        // The second time with a new segment: the old one may be full, or its last sync failed.
        for (const bool again : {false, true}) {
            if (again || !segment.writer) {
                segment.lease = bodies.create_segment(kTestNow);
                segment.writer.emplace(segment.lease->open_for_writing(), segment.lease->file(),
                                       segment.lease->start(), SegmentWriter::Growth::kAhead,
                                       segment.lease->key());
            }
            const auto body = segment.writer->append(e.id, e.reverse_path, text, sealed);
            if (body && segment.lease->claim(*body)) return *body;
        }
        throw std::logic_error("a new segment refused a record");
    }
    mail::BodyRef write_single(std::string_view text) {
        singles_.push_back(bodies.create_single(kTestNow));
        const auto& lease = singles_.back();
        SingleFileWriter writer(lease->open_for_writing(), lease->file());
        writer.write(text.substr(0, 1000));
        writer.write(text.substr(1000));
        const auto body = writer.finish();
        if (!lease->claim(body)) throw std::logic_error("single file refused");
        return body;
    }

    SideBySide side_by_side_;
    std::int64_t made_ = 0;
    bool seals_ = true;

  public:
    QueueStore queue;
    BodyStore bodies;
    Entrance entrance{bodies};

  private:
    Segment clients_;
    Segment own_;
    std::vector<std::unique_ptr<BodyStore::Lease>> singles_;
};

}  // namespace veredus::spool
