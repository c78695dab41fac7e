#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "common/async/clock.h"
#include "common/async/loop.h"
#include "common/async/wait.h"
#include "spool/body/body_store.h"
#include "spool/queue/entrance.h"
#include "spool/queue/queue_store.h"

namespace veredus::queued {

struct Answer {
    spool::ArrivalResult result = spool::ArrivalResult::kBodyLost;
    bool disk_full = false;  // then nothing else counts
};

// A message and who waits for it.
struct Arrival {
    spool::NewMessage message;
    std::function<void(const Answer&, const spool::NewMessage&)> then;
    std::uint64_t after = 0;  // no row before those of what went ahead, up to this number
};

// Letters that go ahead of their rows (Entrance): acknowledged when their segment is on disk, many
// at a time, whatever the database is doing. They are numbered as they come, and their rows wait
// here, in that order.
class Admission {
  public:
    static constexpr auto kNone = std::numeric_limits<std::uint64_t>::max();

    // `acknowledged` is told of each that is, before who sent it; `changed`, that there are more
    // rows or oldest() has moved on.
    Admission(async::Loop& loop, spool::BodyStore& bodies, spool::Entrance entrance,
              std::function<void(const spool::NewMessage&)> acknowledged,
              std::function<void()> changed);

    // Until end() was called and nothing is left to be synced.
    async::Task<> run();
    void end();

    // Takes a letter that may go ahead; leaves all else to who asks, with what it must come after.
    bool take(Arrival& arrival, bool letter);
    void start(mail::QueueId newest) { entrance_.start(newest); }
    void note(mail::QueueId own) { entrance_.note(own); }

    // The number of the last that is acknowledged, and of the oldest whose row has not been
    // gathered.
    std::uint64_t acknowledged() const { return acknowledged_; }
    std::uint64_t oldest() const;

    std::size_t rows() const { return rows_.size(); }
    bool idle() const { return rows_.empty() && coming_.empty() && syncing_.empty(); }
    struct Gathered {
        std::vector<spool::NewMessage> messages;
        std::size_t recipients = 0;
        std::uint64_t last = 0;  // number
    };
    // Rows to be committed, of not many more recipients than `most`. When they are, entered() must
    // follow.
    Gathered gather(std::size_t most);
    void entered(const std::vector<spool::NewMessage>& messages);

  private:
    struct Coming {
        Arrival arrival;
        std::uint64_t number;
    };
    struct Row {
        std::uint64_t number;
        spool::NewMessage message;
    };
    async::Task<> sync();

    async::Loop& loop_;
    spool::BodyStore& bodies_;
    spool::Entrance entrance_;
    std::function<void(const spool::NewMessage&)> told_;
    std::function<void()> changed_;
    async::Event work_;
    std::deque<Coming> coming_;
    std::deque<Row> rows_;
    std::vector<Coming> syncing_;  // on their way to the disk
    std::uint64_t arrived_ = 0;    // numbers
    std::uint64_t acknowledged_ = 0;
    async::Duration last_sync_ = async::Duration::max();  // what it took
    bool ended_ = false;
};

}  // namespace veredus::queued
