#pragma once

#include <set>

#include "common/mail/queue_id.h"
#include "spool/body/body_store.h"
#include "spool/body/horizon.h"
#include "spool/queue/envelope.h"

namespace veredus::spool {

// Which arrivals may be acknowledged as soon as their segment is on disk, ahead of their rows:
// those that recovery would find there (Horizon), whatever of the database a crash leaves, and
// whose id is certainly in no row.
//
// For that, who asks must keep an order: of what stands in one segment no row is committed before
// those of the messages that went ahead and came earlier.
class Entrance {
  public:
    explicit Entrance(BodyStore& bodies) : bodies_(bodies) {}

    // `newest`: the highest id in the database, once it is recovered.
    void start(mail::QueueId newest) { known_ = newest; }

    // To be told of every arrival, as they come, and whether it is wanted ahead. True: it may go,
    // and its segment counts as open until entered() is called, when its row is committed or it has
    // been given up.
    bool may_go_ahead(const NewMessage& message, bool wanted = true);
    void entered(const NewMessage& message) { bodies_.let_close(message.envelope.body.file); }

    // An id that queued has made itself.
    void note(mail::QueueId id) { is_new(id); }

  private:
    // Ids that are remembered one by one. What takes longer from its id to its arrival than it
    // takes these to come is no longer known to be new.
    static constexpr std::size_t kIds = 8192;
    bool is_new(mail::QueueId id);

    BodyStore& bodies_;
    Horizon arrived_;  // past everything that has arrived
    std::set<mail::QueueId> ids_;
    mail::QueueId known_;  // up to this one an id may be in a row
};

}  // namespace veredus::spool
