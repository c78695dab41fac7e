#include "daemons/queued/tally.h"

namespace veredus::queued {

void Tally::entered(const spool::NewMessage& message) {
    ++flow_.accepted;
    ++totals_.messages;
    totals_.bytes += message.envelope.body.length;
}

void Tally::outcome(const spool::Outcome& outcome) {
    switch (outcome.state) {
        case spool::RecipientState::kDelivered:
            ++flow_.delivered;
            break;
        case spool::RecipientState::kRelayed:
            ++flow_.relayed;
            break;
        case spool::RecipientState::kFailed:
            ++flow_.failed;
            break;
        default:
            if (spool::waiting(outcome.state)) ++flow_.deferred;
    }
}

void Tally::departed(const spool::Departure& departure) {
    --totals_.messages;
    totals_.bytes -= departure.body.length;
}

}  // namespace veredus::queued
