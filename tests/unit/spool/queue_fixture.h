#pragma once

#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spool/queue/due_reader.h"
#include "spool/queue/queue_reader.h"
#include "tests/unit/spool/test_spool.h"

namespace veredus::spool {

// A queue on a disk that fails when told to.
struct QueueFixture {
    FaultDisk disk;
    std::unique_ptr<FaultDisk> after;  // what a crash left
    std::optional<TestSpool> spool{std::in_place, disk.root()};

    QueueFixture() { spool->recover(); }
    QueueStore& queue() { return spool->queue; }

    // As after a kill and a start.
    Recovered reopen() {
        spool.reset();
        spool.emplace(disk.root());
        spool->skip_ids(1000);
        return spool->recover();
    }
    // The power goes, and comes again: what was not synced is gone.
    Recovered crash() {
        auto next = (after ? *after : disk).after(FaultDisk::Loss::kAllUnsynced);
        spool.reset();
        after = std::move(next);
        spool.emplace(after->root());
        spool->skip_ids(1000);
        return spool->recover();
    }
    RecipientState state_of(mail::QueueId id, std::uint32_t number = 1) {
        const auto message = queue().show(id);
        return message ? message->recipients.at(number - 1).state : RecipientState::kNone;
    }
    std::vector<Story> stories() { return stories_in(disk.root()); }
    std::vector<std::string> due_at(std::int64_t now_us) {
        DueCursor cursor;
        std::vector<std::string> addresses;
        for (const auto& due : DueReader(queue()).due(now_us, cursor, 100)) {
            addresses.push_back(due.recipient.address);
        }
        return addresses;
    }
    void check_is_clean() {
        const auto findings = queue().check(&spool->bodies);
        for (const auto& finding : findings)
            BOOST_TEST_MESSAGE(finding);
        BOOST_TEST(findings.empty());
    }
};

}  // namespace veredus::spool
