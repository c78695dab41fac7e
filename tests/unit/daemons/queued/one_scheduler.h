#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/queued/scheduler.h"

namespace veredus::queued_test {

// The scheduler alone, with messages to one host each and a clock that a test turns.
struct OneScheduler {
    config::Config config;
    queued::Scheduler scheduler;
    async::Time now{std::chrono::hours(1)};
    std::uint64_t last_id = 0;

    void add(const std::string& host, std::uint32_t recipients = 1, std::int32_t priority = 0) {
        auto envelope = std::make_shared<spool::Envelope>();
        envelope->id = mail::QueueId(++last_id);
        envelope->priority = priority;
        std::vector<spool::Recipient> to(recipients);
        for (std::uint32_t i = 0; i < recipients; ++i) {
            to[i].number = i + 1;
            to[i].destination = host;
        }
        scheduler.add(config, envelope, std::move(to), 0);
    }
    std::vector<queued::Assignment> take() {
        std::vector<queued::Assignment> out;
        while (auto task = scheduler.next(queued::Worker::relayd, now))
            out.push_back(std::move(*task));
        return out;
    }
    void finish(const queued::Assignment& task,
                queued::Scheduler::End end = queued::Scheduler::End::kReached) {
        scheduler.finished(task, end);
        for (const auto& recipient : task.recipients)
            scheduler.forget(task.envelope->id, recipient.number);
    }
};

}  // namespace veredus::queued_test
