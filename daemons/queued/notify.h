#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/mail/delivery_status.h"
#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// Delivery status notifications (RFC 3461, 3464): makes the message, writes its body into queued's
// own segment, and returns its envelope, to be committed together with the verdict that causes it.
class Notifier {
  public:
    struct World {
        std::function<std::int64_t()> now_us;
        std::function<mail::QueueId()> new_id;
    };
    Notifier(spool::BodyStore& bodies, World world) : bodies_(bodies), world_(std::move(world)) {}

    // Tells the sender of `about` of these recipients. A failure of a message from <>, that is of a
    // notification, goes to the postmaster; nothing else is told of such. Nothing where nobody is
    // to be told, or the disk does not take it (throws DiskError).
    std::optional<spool::NewMessage> notify(const config::Config& config,
                                            const spool::Envelope& about,
                                            std::vector<mail::ReportedRecipient> recipients);

  private:
    std::string original(const spool::Envelope& about) const;
    mail::BodyRef write(mail::QueueId id, std::string_view message);

    spool::BodyStore& bodies_;
    World world_;
    std::unique_ptr<spool::BodyStore::Lease> lease_;
    std::unique_ptr<spool::SegmentWriter> segment_;
};

}  // namespace veredus::queued
