#pragma once

#include "spool/disk/sqlite.h"

namespace veredus::queued {

// Calls what the disk may have no room for, and what then can be done another time: nothing of it
// has happened.
template <class Call>
void if_there_is_room(Call call) {
    try {
        call();
    } catch (const spool::DatabaseError& error) {
        if (!error.disk_full()) throw;
    }
}

}  // namespace veredus::queued
