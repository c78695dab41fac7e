#pragma once

#include <cstdint>
#include <string_view>

#include "spool/disk/sqlite.h"

namespace veredus::spool {

struct Salvaged {
    std::uint64_t messages = 0;
    std::uint64_t recipients = 0;
    bool complete = true;  // every table could be read to its end
};

// Copies what can be read of a damaged queue.db into a new one: each table from its beginning up to
// the damage, and from its end back to it.
Salvaged salvage(Database& damaged, Database& fresh);

}  // namespace veredus::spool
