#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/ipc/admin.h"

namespace veredus::mailq {

// The queue as Postfix's mailq prints it, which check_mailq and many a script read:
//
//   -Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
//   06F3Q9ZK7W2A1!  1234 Mon Nov 23 10:00:00  ann@a.example
//                      (host mx.b.example said: 450 4.2.0 try later)
//                                             bob@b.example
//
//   -- 1 Kbytes in 1 Request.
//
// '*' behind the id: it is being delivered; '!': on hold. Recipients that are done are left out.
class Table {
  public:
    // The lines of one message, each with its '\n'.
    std::string row(const ipc::admin::Row& row);
    // The last line; "Mail queue is empty" where there was no row.
    std::string end() const;

  private:
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

// One message as one line of JSON with the members of `postqueue -j`, and some more.
std::string json_line(const ipc::admin::Row& row);

// Is anything still to be done for this recipient?
bool is_waiting(const ipc::admin::RowRecipient& recipient);
// Why it still waits; empty if it was not tried.
std::string delay_reason(const ipc::admin::RowRecipient& recipient);

}  // namespace veredus::mailq
