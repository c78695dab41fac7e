#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/async/clock.h"
#include "daemons/queued/lanes.h"

namespace veredus::queued {

// Who goes next, of what is in memory. Each next hop has its own queue (Lanes), served in turn, so
// that no slow destination holds up another. A destination gets as many jobs at a time as it has
// shown to carry: one more after each success, half after a failure; and no more than
// [destinations] allows. Pure: no clock, no disk.
class Scheduler {
  public:
    // Arrivals are taken up to the first number, what is read from the disk up to the second, so
    // that a long queue leaves room for new mail.
    static constexpr std::size_t kRecipientsInMemory = 50'000;
    static constexpr std::size_t kRecipientsFromDisk = 40'000;
    // What one sender may have of it for bulk and once more for letters, and one next hop; the rest
    // of a mailing waits on disk. Of who has few there, a next hop takes twice as many.
    static constexpr std::size_t kShare = 10'000;
    static constexpr std::size_t kFew = 100;
    static constexpr std::uint32_t kFirstJobs = 5;
    static constexpr std::uint32_t kMostJobs = 20;     // to a remote one, if nothing else is said
    static constexpr std::uint32_t kMostLocal = 1000;  // to deliverd, which has its own measure

    // What relayd carries at a time. Next hops that were not reached when last tried, or never
    // were, may have no more than a part of it, for dead ones keep their jobs for half a minute
    // each; nor may bulk, which slow hosts keep, too.
    void set_capacity(std::uint32_t jobs) { capacity_ = jobs; }
    static constexpr std::uint32_t kCapacity = 1000;
    static constexpr double kUnproven = 0.6;
    static constexpr double kUnprovenBulk = 0.4;
    static constexpr double kBulk = 0.7;
    static constexpr std::size_t kMostProven = 20'000;  // known by name; then all are forgotten

    enum class Added : std::uint8_t { kYes, kMemoryIsFull, kShareIsFull };
    // Left out is what memory holds enough of, of all, of this sender or of a next hop: the disk
    // knows, and is asked when there is room. Recipients that are known already stay as they are.
    Added add(const config::Config& config, const std::shared_ptr<spool::Envelope>& envelope,
              std::vector<spool::Recipient> recipients, std::int64_t now_us);
    bool wants_more() const { return in_memory_ < kRecipientsFromDisk; }
    // Some share that was full has room again for half of it, until it is full once more.
    bool hungry() const { return hungry_ != 0; }
    // All that is on disk was offered: what is hungry still has nothing there.
    void fed();
    // Waiting here, on its way, or its outcome not on disk yet: not to be added again.
    bool knows(mail::QueueId message, std::uint32_t recipient) const;
    std::size_t recipients_of(mail::QueueId message) const;  // that it knows
    // Of a message with a recipient in memory; else null.
    std::shared_ptr<spool::Envelope> envelope(mail::QueueId message) const;

    // The next task for a worker; nothing when all of its destinations wait or are busy.
    std::optional<Assignment> next(Worker worker, async::Time now);
    // What next() would give: kFirst is a letter to a destination that had nothing to do until now.
    enum class Coming : std::uint8_t { kNothing, kBulk, kLetter, kFirst };
    Coming coming(Worker worker) const;
    // When a destination may have its next message that now must not for its rate; not before
    // next() has said that there is nothing.
    std::optional<async::Time> next_turn() const;
    // Of the task's destination.
    config::DestinationLimits limits_of(const Assignment& task) const;
    // The configuration has changed.
    void set_limits(const config::Config& config);
    // A task that next() gave has come to its end: the destination was reached, was not, or was not
    // asked.
    enum class End : std::uint8_t { kReached, kNotReached, kNotTried };
    void finished(const Assignment& task, End end);
    // The worker went away with it: first again. False when its message was dropped in the
    // meantime; then its recipients are forgotten.
    bool give_back(Assignment task);
    // What became of a recipient is on disk: forgotten here.
    void forget(mail::QueueId message, std::uint32_t recipient);

    // Messages are held, deleted or bounced: what waits of them is forgotten, what is on its way
    // comes back as it will.
    void drop(std::span<const mail::QueueId> messages);
    // Everything that waits is forgotten, to be read again with other routes.
    void drop_waiting();

    std::size_t recipients() const { return in_memory_; }

    struct Busy {
        Worker worker;
        std::string next_hop;
        std::uint32_t active = 0;
        std::uint32_t limit = 0;
        std::size_t waiting = 0;   // messages
        async::Time not_before{};  // the next for its rate
    };
    // Destinations with something to do, in the order of worker and next hop.
    std::vector<Busy> busy() const;
    // Those with the most on their way, and among equals the most that waits.
    std::vector<Busy> busiest(std::size_t most) const;

  private:
    struct Share {
        std::size_t recipients = 0;
        // Hungry: was full when more came, and has room again.
        enum class Appetite : std::uint8_t { kNone, kHadEnough, kHungry } appetite = {};
        bool empty() const { return recipients == 0 && appetite == Appetite::kNone; }
    };
    enum class Standing : std::uint8_t { kAside, kInTurn, kPaced, kHeld };
    // Who is held by what, the first to go first; and a number in the order of coming.
    enum class Held : std::uint8_t { kLetters, kBulk, kUnprovenBulk, kKinds };
    using HeldKey = std::pair<Held, std::uint64_t>;
    struct Destination {
        Worker worker;
        std::string next_hop;
        config::DestinationLimits limits;
        Share share;
        Lanes waiting;
        std::uint32_t active = 0;
        std::uint32_t limit = kFirstJobs;
        bool proven = true;          // reached when last tried, or not remote
        std::uint32_t unproven = 0;  // of those that are active: given while it was not
        Standing standing = {};
        HeldKey held;             // in held_
        async::Time not_before;   // with a rate
        async::Time paced_until;  // in paced_
    };
    struct Known {
        std::shared_ptr<spool::Envelope> envelope;
        Share* sender = nullptr;
        std::map<std::uint32_t, Destination*> recipients;
        bool dropped = false;
    };
    using Key = std::pair<Worker, std::string>;

    Destination& destination(const config::Config& config, const Route& route);
    Destination& destination(const Assignment& task);
    static std::uint32_t most(const Destination& destination);
    static std::size_t together(const Destination& destination);
    static void limit(Destination& destination, const config::Config& config);
    static bool idle(const Destination& destination);
    void pace(Destination& destination);
    bool may_go(const Destination& destination, std::uint32_t more = 0) const;
    void hold(Destination& destination);
    void put_in_its_place(Destination& destination);
    static Held kind_of(const Destination& destination);
    bool has_part(double part, std::uint32_t jobs) const { return jobs < part * capacity_; }
    void let_go(Destination& destination);
    void let_go_of_held();
    void ended(Destination& destination);
    void prove(Destination& destination, bool reached);
    void wake(Destination& destination);
    enum class Flow : std::uint8_t { kOld, kNew };
    void line_up(Destination& destination, Flow flow = Flow::kOld);
    void remove_when_idle(Destination& destination);
    Destination* release(mail::QueueId message, std::uint32_t recipient);
    void release_all(const std::vector<Assignment>& tasks);
    void take_out(const std::function<bool(const Assignment&)>& unwanted);
    bool take_share(Share& sender, Destination& destination);
    void left(Share& share);
    void set(Share& share, Share::Appetite appetite);

    std::map<Key, Destination> destinations_;
    // Destinations with work and room, in their turn. Those that had nothing to do until now come
    // first, once, unless it is bulk: a letter to somebody does not wait for a mailing to a hundred
    // hosts.
    struct Turns {
        std::deque<Destination*> fresh, others;
    };
    std::map<Worker, Turns> turns_;
    std::unordered_map<std::uint64_t, Known> known_;  // by message
    // By whose mail it is, and whether it is bulk: a mailing holds up none of its sender's letters.
    using Sender = std::pair<std::string, bool>;
    static Sender sender_in(const spool::Envelope& envelope);
    std::map<Sender, Share> senders_;
    std::set<std::pair<async::Time, Destination*>> paced_;  // until then
    std::unordered_set<std::string> proven_;                // next hops
    std::uint32_t capacity_ = kCapacity;
    std::uint32_t active_ = 0;    // of all remote destinations
    std::uint32_t unproven_ = 0;  // likewise
    // Those that would be in turn but that others of their kind have all that it may.
    std::map<HeldKey, Destination*> held_;
    std::uint64_t last_held_ = 0;
    std::size_t hungry_ = 0;
    std::size_t in_memory_ = 0;
};

}  // namespace veredus::queued
