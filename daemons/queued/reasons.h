#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/config.h"
#include "common/ipc/admin.h"
#include "daemons/queued/pauses.h"
#include "daemons/queued/router.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// By what recipients are kept waiting, as it stands now.
struct Reasons {
    Pauses pauses;
    // How it stands at next hops, and which daemons are away; nothing where that is not asked for.
    struct Turns {
        std::map<std::pair<Worker, std::string>, ipc::admin::Turn> at;
        std::vector<Worker> away;
    };
    std::optional<Turns> turns;
    // It tells a recipient's next hop; not there where nobody need know that.
    std::optional<config::Config> config;

    // By what its sender's mail, or mail to this recipient, is kept from being tried; empty if it
    // is not.
    std::string paused(const spool::Envelope& envelope) const;
    std::string paused(const spool::Recipient& recipient) const;
    ipc::admin::Turn turn(const spool::Recipient& recipient) const;
};

}  // namespace veredus::queued
