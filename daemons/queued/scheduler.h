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
    std::shared_ptr<const spool::Envelope> envelope;
    Worker worker = Worker::relayd;
    std::string next_hop;
    std::vector<spool::Recipient> recipients;
    std::int64_t due_us = 0;  // since when it could have gone
};

// Who goes next, of what is in memory: a queue of tasks for each next hop, served in turn, so that
// a slow destination or a mailing holds up nobody else. A destination gets as many jobs at a time
// as it has shown to carry: one more after each success, half after a failure. Pure: no clock, no
// disk.
class Scheduler {
  public:
    static constexpr std::size_t kRecipientsInMemory = 50'000;
    static constexpr std::uint32_t kFirstJobs = 5;
    static constexpr std::uint32_t kMostJobs = 20;     // to one remote next hop
    static constexpr std::uint32_t kMostLocal = 1000;  // to deliverd, which has its own measure

    // False, with nothing done, when memory holds enough: the disk knows, and is asked when there
    // is room.
    bool add(const config::Config& config, const std::shared_ptr<const spool::Envelope>& envelope,
             std::vector<spool::Recipient> recipients, std::int64_t now_us);
    bool has_room() const { return in_memory_ < kRecipientsInMemory; }
    // Already waiting here or on its way: not to be added again.
    bool knows(mail::QueueId message, std::uint32_t recipient) const;

    // The next task for a worker; nothing when all of its destinations wait or are busy.
    std::optional<Assignment> next(Worker worker);
    // A task that next() gave has come back. `healthy`: the destination was reached and answered.
    void finished(const Assignment& task, bool healthy);
    // One recipient of a task is settled, in whatever way, and forgotten here.
    void forget(mail::QueueId message, std::uint32_t recipient);
    // The worker went away with it: first again.
    void give_back(Assignment task);
    // A message is held, deleted or bounced: what waits of it is dropped; what is on its way comes
    // back as it will.
    void drop(mail::QueueId message);

    std::size_t recipients() const { return in_memory_; }

  private:
    struct Destination {
        Worker worker;
        std::string next_hop;
        std::deque<Assignment> waiting;
        std::uint32_t active = 0;
        std::uint32_t limit = kFirstJobs;
        bool in_turn = false;
    };
    using Key = std::pair<Worker, std::string>;

    Destination& destination(Worker worker, const std::string& next_hop);
    void line_up(Destination& destination);
    void tidy(Destination& destination);

    std::map<Key, Destination> destinations_;
    std::map<Worker, std::deque<Destination*>>
        turns_;  // destinations with work and room, in their turn
    std::unordered_map<std::uint64_t, std::set<std::uint32_t>> known_;  // message → recipients
    std::size_t in_memory_ = 0;
};

}  // namespace veredus::queued
