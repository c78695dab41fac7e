#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spool/disk/disk.h"

namespace veredus::spool {

// For a spool that nobody uses: all throw DatabaseError with busy() where queued runs.

struct SpoolFindings {
    std::uint64_t messages = 0;
    std::vector<std::string> findings;  // none: all is well
};
// Looks at everything, bodies are read in full; changes nothing.
SpoolFindings check_spool(Directory& spool);
// What it says of the database alone: no body is read.
std::vector<std::string> check_queue_database(Directory& spool);

struct RepairOptions {
    std::string postmaster;   // to whom goes what nobody knows the recipients of
    std::int64_t now_us = 0;  // since 1970
};
// Mends what check_spool() finds, and answers what it did. Nothing is sent that is not known to be
// what arrived, and nothing that may be mail is thrown away:
// - a damaged queue.db is put aside, and what can be read of it goes into a new one;
// - a body that is not where it should be is looked for in all files, by id and digest;
// - mail in files of which the database knows nothing, and whose story is not in the ledger, is
// held
//   for the postmaster;
// - a message whose bytes are lost is damaged, with its recipients;
// - counts and states that contradict each other are set right, towards being held.
std::vector<std::string> repair_spool(Directory& spool, const RepairOptions& options);

}  // namespace veredus::spool
