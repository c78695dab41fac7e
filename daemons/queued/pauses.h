#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/mail/pause.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// What the administrator has told to wait.
class Pauses {
  public:
    Pauses() = default;
    explicit Pauses(std::vector<mail::Pause> all) : all_(std::move(all)) {}

    const std::vector<mail::Pause>& all() const { return all_; }
    // The one that holds back whatever this sender sends; null if none does.
    const mail::Pause* of_sender(const spool::Envelope& envelope) const;
    // The one that holds back what goes to this recipient by this next hop, as Route has it; null
    // if none does.
    const mail::Pause* of_destination(const spool::Recipient& to, std::string_view next_hop) const;

  private:
    std::vector<mail::Pause> all_;
};

// "mail to b.example is paused by the administrator"
std::string now_paused(const mail::Pause& pause);
// What the outcome of a recipient says who was put off by it; `veredus resume` finds them by it.
std::string was_paused(const mail::Pause& pause);

}  // namespace veredus::queued
