#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "spool/queue/queue_reader.h"
#include "tests/unit/spool/test_spool.h"

namespace veredus::spool {

// What the world outside was told by a queue, or told it: the other side of the five promises.
struct Told {
    struct Recipient {
        std::string address;
        std::optional<RecipientState> offered;    // the last outcome that was brought to the queue
        std::optional<RecipientState> committed;  // ... and that it said was on disk
        std::optional<mail::QueueId> bounce;      // offered as the notification of a failure
    };
    struct Message {
        std::string text;
        std::vector<Recipient> recipients;
        bool acknowledged = false;  // 250
        bool removal_offered = false;
        bool removal_committed = false;
    };
    std::map<mail::QueueId, Message> messages;
};

// A queue's working day: arrivals, outcomes, bounces, aliases, administrators, all chosen by a
// seed. The same seed does the same until the disk fails.
class QueueLife {
  public:
    QueueLife(Directory& directory, Told& told, std::uint64_t seed, SideBySide side_by_side);

    // Does up to `steps` things. False when the disk failed; then this must be dropped.
    bool live(int steps);

  private:
    void note_what_was_not_told();
    std::string text_of(mail::QueueId id);
    void step();
    void commit_something();
    void commit_one_behind_the_other();
    void command();
    void add_arrivals(Batch& batch);
    void acknowledge_ahead(NewMessage message);
    void add_ahead(Batch& batch);
    void add_outcomes(Batch& one, Batch& other);
    void add_outcome(Batch& batch, mail::QueueId id, const Recipient& recipient);
    void note_offered(const Batch& batch);
    void note_committed(const Batch& batch, const Committed& committed);
    void note_new(const NewMessage& message, std::string_view text);
    std::optional<mail::QueueId> any_message();
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

    Told& told_;
    std::deque<NewMessage> ahead_;  // acknowledged, without rows yet
    std::mt19937_64 random_;
    std::uint64_t addresses_ = 0;
    std::optional<TestSpool> spool_;
};

// What is wrong after a crash, by the promises of docs/architecture.md and the table of states;
// empty when all is well. Opens the queue twice: once only looking, once recovering; then finishes
// all that is left.
std::vector<std::string> faults_after_crash(FaultDisk& disk, const Told& told);

}  // namespace veredus::spool
