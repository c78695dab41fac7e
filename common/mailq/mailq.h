#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/ipc/admin.h"

namespace veredus::mailq {

// A waiting message as other programs know it: the members of a line of `postqueue -j`, and some
// that only we have.
struct Message {
    std::string queue_name;  // "incoming", "active", "deferred", "hold"
    std::string queue_id;
    std::int64_t arrival_time = 0;  // s since 1970
    std::uint64_t message_size = 0;
    std::string sender;  // "MAILER-DAEMON" for the empty reverse-path
    struct Recipient {
        std::string address;
        std::string delay_reason;  // empty if it was not tried
    };
    std::vector<Recipient> recipients;  // those who still wait

    std::int64_t next_attempt = 0;  // s since 1970; the earliest; 0: none
    std::uint32_t attempts = 0;
    std::string last_reply;
    std::string message_id;
    std::string reason;  // of the hold
};

Message message_of(ipc::admin::Row row);
// Why it still waits; empty if it was not tried.
std::string delay_reason(const ipc::admin::RowRecipient& recipient);

// One line, without its end. Bytes that are not UTF-8 become U+FFFD.
std::string to_json(const Message& message);
// "Mon Nov 23 10:00:00", in English whatever the locale.
class ArrivalTimes {
  public:
    // `at`: s since 1970. Valid until the next call.
    std::string_view text(std::int64_t at);

  private:
    std::int64_t at_ = 0;
    std::string text_;
};

// The queue as Postfix's mailq prints it, which check_mailq and many a script read:
//
//   -Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
//   06F3Q9ZK7W2A1!  1234 Mon Nov 23 10:00:00  ann@a.example
//                      (host mx.b.example said: 450 4.2.0 try later)
//                                             bob@b.example
//
//   -- 1 Kbytes in 1 Request.
//
// '*' behind the id: it is being delivered; '!': on hold.
class Table {
  public:
    // Adds the lines of one message to `text`, each with its '\n'.
    void row(const Message& message, std::string& text);
    // The last line; "Mail queue is empty" where there was no row.
    std::string end() const;

  private:
    ArrivalTimes times_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace veredus::mailq
