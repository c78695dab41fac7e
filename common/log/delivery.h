#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "common/log/log.h"

namespace veredus::log {

enum class Status { sent, deferred, bounced };

// What became of one recipient in one attempt; a line of Postfix's shape, which pflogsumm and
// logwatch read:
//   ID: to=<a@b>, orig_to=<c@b>, relay=mx.b[192.0.2.1]:25, delay=1.2, delays=0.1/0/0.9/0.2,
//   dsn=2.0.0, status=sent (text)
struct Delivery {
    std::string_view queue_id;
    std::string_view to;                // without angle brackets
    std::string_view orig_to;           // the address before it was expanded; empty if the same
    std::string_view relay;             // "host[address]:port", "local" or "none"
    std::chrono::milliseconds delay{};  // since the message's arrival
    // Until it was in the queue, in the queue, until the connection stood, in transmission; their
    // sum is the delay.
    std::array<std::chrono::milliseconds, 4> delays{};
    std::string_view dsn;  // enhanced status code (RFC 3463)
    Status status = Status::sent;
    std::string_view text;  // the next hop's answer
};

std::string delivery_text(const Delivery& delivery);
void log_delivery(Log& log, const Delivery& delivery);

// A refused command, in the shape fail2ban and pflogsumm read:
//   NOQUEUE: reject: RCPT from host[192.0.2.7]: 550 5.1.1 <x@b>: no such user; from=<a@c> to=<x@b>
//   proto=ESMTP helo=<h>
struct Rejection {
    std::string_view queue_id;  // empty: NOQUEUE
    std::string_view command;   // "RCPT"
    std::string_view client;    // "host[address]"
    std::string_view reply;     // as sent, on one line
    std::string_view from, to;  // without angle brackets; nothing known: empty
    std::string_view protocol;  // "SMTP", "ESMTP"
    std::string_view helo;
};

void log_rejection(Log& log, const Rejection& rejection);

}  // namespace veredus::log
