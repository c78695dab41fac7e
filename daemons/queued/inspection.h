#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/wait.h"
#include "common/daemon/env.h"
#include "spool/queue/queue_reader.h"

namespace veredus::queued {

// `veredus spool check` while mail goes on: looks at tables and bodies through a reader of its own,
// some messages at a time.
class Inspection {
  public:
    Inspection(daemon::Env& env, spool::QueueStore& store, std::unique_ptr<spool::Directory> bodies)
        : env_(env), reader_(store), bodies_(std::move(bodies)), turn_(env.loop, 1) {}

    // So many messages more were read, and what is wrong with them.
    struct Piece {
        std::uint64_t messages = 0;
        std::vector<std::string> findings;
    };
    // To the end; one at a time.
    async::Task<> run(const std::function<async::Task<>(Piece)>& tell, async::Stop& stop);

  private:
    Piece check_tables();
    Piece check_bodies(mail::QueueId& after);

    daemon::Env& env_;
    spool::QueueReader reader_;
    std::unique_ptr<spool::Directory> bodies_;
    async::Semaphore turn_;
};

}  // namespace veredus::queued
