#include "daemons/queued/admission.h"

#include <algorithm>
#include <utility>

#include "common/async/blocking.h"
#include "daemons/queued/at_once.h"

namespace veredus::queued {

namespace {

// With more of them a client would wait for what came long after it.
constexpr std::size_t kTogether = 512;
// Beyond so many without rows the database does not keep up, and letters wait for it.
constexpr std::size_t kRows = 2000;

}  // namespace

Admission::Admission(async::Loop& loop, spool::BodyStore& bodies, spool::Entrance entrance,
                     std::function<void(const spool::NewMessage&)> acknowledged,
                     std::function<void()> changed)
    : loop_(loop),
      bodies_(bodies),
      entrance_(std::move(entrance)),
      told_(std::move(acknowledged)),
      changed_(std::move(changed)),
      work_(loop) {}

bool Admission::take(Arrival& arrival, bool letter) {
    const bool may = letter && rows_.size() + coming_.size() + syncing_.size() < kRows;
    if (!entrance_.may_go_ahead(arrival.message, may)) {
        arrival.after = arrived_;
        return false;
    }
    coming_.push_back({std::move(arrival), ++arrived_});
    work_.set();
    return true;
}

std::uint64_t Admission::oldest() const {
    if (!rows_.empty()) return rows_.front().number;
    if (!syncing_.empty()) return syncing_.front().number;
    return coming_.empty() ? kNone : coming_.front().number;
}

async::Task<> Admission::run() {
    async::Stop never;
    for (;;) {
        while (coming_.empty()) {
            if (ended_) co_return;
            work_.reset();
            co_await work_.wait(never);
        }
        const auto count = static_cast<std::ptrdiff_t>(std::min(coming_.size(), kTogether));
        syncing_.assign(std::move_iterator(coming_.begin()),
                        std::move_iterator(coming_.begin() + count));
        coming_.erase(coming_.begin(), coming_.begin() + count);
        co_await sync();
    }
}

void Admission::end() {
    ended_ = true;
    work_.set();
}

async::Task<> Admission::sync() {
    std::vector<std::uint64_t> files;
    for (const auto& one : syncing_)
        files.push_back(one.arrival.message.envelope.body.file);
    auto set = bodies_.to_sync(files);
    const auto begun = loop_.clock().now();
    const auto call = [&] { return set.run(); };
    const bool at_once = syncing_.size() <= kAtOnce && last_sync_ < kQuick;
    const auto failed = at_once ? call() : co_await async::blocking(loop_, call);
    last_sync_ = loop_.clock().now() - begun;
    for (auto& [arrival, number] : syncing_) {
        auto& message = arrival.message;
        const auto file = message.envelope.body.file;
        const bool good = std::ranges::find(failed, file) == failed.end();
        if (good) {
            acknowledged_ = number;
            const auto& row = rows_.emplace_back(number, std::move(message)).message;
            told_(row);
            arrival.then({.result = spool::ArrivalResult::kAccepted}, row);
        } else {
            entrance_.entered(message);
            bodies_.drop_reference(file);
            arrival.then({.result = spool::ArrivalResult::kBodyLost}, message);
        }
    }
    syncing_.clear();
    changed_();
}

Admission::Gathered Admission::gather(std::size_t most) {
    Gathered gathered;
    while (gathered.recipients < most && !rows_.empty()) {
        auto& [number, message] = rows_.front();
        gathered.recipients += message.recipients.size();
        gathered.last = number;
        gathered.messages.push_back(std::move(message));
        rows_.pop_front();
    }
    return gathered;
}

void Admission::entered(const std::vector<spool::NewMessage>& messages) {
    for (const auto& message : messages)
        entrance_.entered(message);
}

}  // namespace veredus::queued
