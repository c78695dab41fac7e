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

}  // namespace

SpoolFindings check_spool(Directory& spool) {
    SpoolFindings out;
    const auto directory = spool.open_directory("body");
    if (!spool.exists(kQueueDatabase)) {
        if (!directory->list().empty())
            out.findings.emplace_back("queue.db is gone, and there are messages in body/");
        return out;
    }
    try {
        QueueStore store(spool);
        BodyStore bodies(spool.open_directory("body"));
        for (auto& fault : bodies.recover(store.needed_files(), BodyStore::Unneeded::kLeave))
            out.findings.push_back(std::move(fault.text));
        for (auto& finding : store.check(&bodies))
            out.findings.push_back(std::move(finding));
        out.messages = QueueReader(store).count({});
    } catch (const DatabaseError& error) {
        if (!error.damaged()) throw;
        out.findings.push_back(fmt::format("the queue's database is damaged: {}", error.what()));
    }
    add_orphans(*directory, out.findings);
    return out;
}

}  // namespace veredus::spool
