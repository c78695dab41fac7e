#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "common/daemon/env.h"
#include "spool/disk/disk.h"

namespace veredus::queued {

// Whether the disk of the spool has room for new mail. It ends before the disk is full
// (queue.min_free): what becomes of the mail that is here must always find a place.
class Room {
  public:
    Room(daemon::Env& env, spool::Directory& spool);
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    // To be spawned: looks again and again.
    async::Task<> watch(async::Stop& stop);

    bool left() const { return left_; }
    const spool::Space& space() const { return space_; }

    // Is called whenever left() has changed, as long as it lives.
    class Listener {
      public:
        Listener(Room& room, std::function<void()> changed);
        Listener(const Listener&) = delete;
        Listener& operator=(const Listener&) = delete;
        ~Listener();

      private:
        friend class Room;
        Room& room_;
        std::function<void()> changed_;
    };

  private:
    void look();

    daemon::Env& env_;
    spool::Directory& spool_;
    spool::Space space_;
    bool left_ = true;
    std::set<Listener*> listeners_;
};

}  // namespace veredus::queued
