#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
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

// Whose mail it is, where senders share something: the user who was logged in, else the domain of
// the reverse-path (an address would be another for each message of a mailing with VERP). Empty for
// notifications.
std::string sender_of(const spool::Envelope& envelope);

// What waits for one destination, in the order of its turns. The more urgent goes first, and of
// eight turns one to the least urgent, so that nobody waits for ever. Among equals each sender has
// its turn, and each of a sender's messages: neither a mailing nor its hundred thousand recipients
// hold up anybody else.
class Lanes {
  public:
    // Tasks of one message; at least one.
    void add(std::deque<Assignment> tasks);
    // That was given out and comes back: the next of its kind.
    void add_first(Assignment task);
    // Not when empty.
    Assignment next();

    bool empty() const { return messages_ == 0; }
    bool bulk_alone() const {
        return lines_[kUrgent].turns.empty() && lines_[kNormal].turns.empty();
    }
    std::size_t messages() const { return messages_; }

    // Takes out all for which `unwanted(task)` says so.
    std::vector<Assignment> take(const std::function<bool(const Assignment&)>& unwanted);

  private:
    using Tasks = std::deque<Assignment>;  // of a message
    // RFC 6710: above 0, 0, below.
    enum Urgency : std::uint8_t { kUrgent, kNormal, kBulk, kUrgencies };
    struct Line {
        std::unordered_map<std::string, std::deque<Tasks>> by_sender;  // none is empty
        std::deque<std::string> turns;                                 // of senders
    };
    static Urgency urgency_of(const spool::Envelope& envelope);
    Line& next_line();

    std::array<Line, kUrgencies> lines_;
    std::size_t messages_ = 0;
    unsigned turn_ = 0;
};

}  // namespace veredus::queued
