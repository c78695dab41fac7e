#include <fmt/core.h>

#include "spool/queue/queue_reader.h"
#include "spool/queue/queue_store.h"
#include "spool/queue/repair.h"
#include "spool/queue/schema.h"

namespace veredus::spool {
namespace {

void add_orphans(Directory& bodies, std::vector<std::string>& findings) {
    for (const auto& name : bodies.list()) {
        if (name.ends_with(kOrphanSuffix))
            findings.push_back(fmt::format("body/{}: the database knows nothing of it", name));
    }
}

// Calls look(store). A database that cannot be read is a finding, and so is one that is gone while
// there is mail.
template <class Look>
void look_at_queue(Directory& spool, std::vector<std::string>& findings, Look look) {
    if (!spool.exists(kQueueDatabase)) {
        if (!spool.open_directory("body")->list().empty())
            findings.emplace_back("queue.db is gone, and there are messages in body/");
        return;
    }
    try {
        QueueStore store(spool);
        look(store);
    } catch (const DatabaseError& error) {
        if (!error.damaged()) throw;
        findings.push_back(fmt::format("the queue's database is damaged: {}", error.what()));
    }
}

}  // namespace

SpoolFindings check_spool(Directory& spool) {
    SpoolFindings out;
    look_at_queue(spool, out.findings, [&](QueueStore& store) {
        BodyStore bodies(spool.open_directory("body"));
        for (auto& fault : bodies.recover(store.needed_files(), BodyStore::Unneeded::kLeave))
            out.findings.push_back(std::move(fault.text));
        for (auto& finding : store.check(&bodies))
            out.findings.push_back(std::move(finding));
        out.messages = QueueReader(store).count({});
    });
    if (spool.exists(kQueueDatabase)) add_orphans(*spool.open_directory("body"), out.findings);
    return out;
}

std::vector<std::string> check_queue_database(Directory& spool) {
    std::vector<std::string> findings;
    look_at_queue(spool, findings, [&](QueueStore& store) {
        for (auto& finding : store.check(nullptr))
            findings.push_back(std::move(finding));
    });
    return findings;
}

}  // namespace veredus::spool
