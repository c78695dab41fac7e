#pragma once

#include "common/async/task.h"
#include "common/imap/fetch.h"
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

// A message that FETCH speaks of, and what went wrong with it.
struct Fetched {
    spool::MessageRow row;
    std::string flags;  // as FETCH shows them
    bool damaged = false;
};

// Puts "NAME value" for one item. Octets of the message go out in blocks, so memory does not grow
// with it. What cannot be read is NIL, and `message.damaged` is set.
async::Task<> put_item(Engine& engine, const wire::FetchItem& item, Fetched& message);

}  // namespace veredus::mailboxd::imap
