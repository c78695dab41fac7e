#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemons/queued/router.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// Recipients of one message that go to one next hop together.
struct Assignment {
    std::shared_ptr<spool::Envelope> envelope;  // shared by all of the message's tasks in memory
    Worker worker = Worker::relayd;
    std::string next_hop;
    std::vector<spool::Recipient> recipients;
    std::int64_t due_us = 0;  // since when it could have gone
};

// Who goes next, of what is in memory. Each next hop has its own queue, served in turn, and within
// it each message has its turn, so that neither a slow destination nor a mailing holds up anybody
// else. A destination gets as many jobs at a time as it has shown to carry: one more after each
// success, half after a failure. Pure: no clock, no disk.
class Scheduler {
  public:
    // Arrivals are taken up to the first number, what is read from the disk up to the second, so
    // that a long queue leaves room for new mail.
    static constexpr std::size_t kRecipientsInMemory = 50'000;
    static constexpr std::size_t kRecipientsFromDisk = 40'000;
    static constexpr std::uint32_t kFirstJobs = 5;
    static constexpr std::uint32_t kMostJobs = 20;     // to one remote next hop
    static constexpr std::uint32_t kMostLocal = 1000;  // to deliverd, which has its own measure

    // False, with nothing done, when memory holds enough: the disk knows, and is asked when there
    // is room. Recipients that are known already are left as they are.
    bool add(const config::Config& config, const std::shared_ptr<spool::Envelope>& envelope,
             std::vector<spool::Recipient> recipients, std::int64_t now_us);
    bool wants_more() const { return in_memory_ < kRecipientsFromDisk; }
    // Waiting here, on its way, or its outcome not on disk yet: not to be added again.
    bool knows(mail::QueueId message, std::uint32_t recipient) const;
    // Of a message with a recipient in memory; else null.
    std::shared_ptr<spool::Envelope> envelope(mail::QueueId message) const;

    // The next task for a worker; nothing when all of its destinations wait or are busy.
    std::optional<Assignment> next(Worker worker);
    // A task that next() gave has come to its end. `healthy`: the destination was reached.
    void finished(const Assignment& task, bool healthy);
    // The worker went away with it: first again. False when its message was dropped in the
    // meantime; then its recipients are forgotten.
    bool give_back(Assignment task);
    // What became of a recipient is on disk: forgotten here.
    void forget(mail::QueueId message, std::uint32_t recipient);

    // A message is held, deleted or bounced: what waits of it is forgotten, what is on its way
    // comes back as it will.
    void drop(mail::QueueId message);
    // Everything that waits is forgotten, to be read again with other routes.
    void drop_waiting();

    std::size_t recipients() const { return in_memory_; }

    // The destinations with the most on their way, and among equals the most that waits.
    struct Busy {
        Worker worker;
        std::string next_hop;
        std::uint32_t active = 0;
        std::uint32_t limit = 0;
        std::size_t waiting = 0;  // messages
    };
    std::vector<Busy> busiest(std::size_t most) const;

  private:
    struct Destination {
        Worker worker;
        std::string next_hop;
        // The tasks of each message, in the order of their turns. None is empty.
        std::deque<std::deque<Assignment>> waiting;
        std::uint32_t active = 0;
        std::uint32_t limit = kFirstJobs;
        bool in_turn = false;
    };
    struct Known {
        std::shared_ptr<spool::Envelope> envelope;
        std::set<std::uint32_t> recipients;
        bool dropped = false;
    };
    using Key = std::pair<Worker, std::string>;

    Destination& destination(Worker worker, const std::string& next_hop);
    void line_up(Destination& destination);
    void remove_when_idle(Destination& destination);
    void forget_all(const std::deque<Assignment>& tasks);

    std::map<Key, Destination> destinations_;
    std::map<Worker, std::deque<Destination*>> turns_;  // with work and room, in their turn
    std::unordered_map<std::uint64_t, Known> known_;    // by message
    std::size_t in_memory_ = 0;
};

}  // namespace veredus::queued
