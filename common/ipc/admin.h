#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "common/mail/queue_id.h"

// The link `admin`: veredus → queued; and, for listing alone, submitd → queued (`queue_list`, the
// same messages, where queued refuses Act and Body).
namespace veredus::ipc::admin {

// Empty fields match all.
struct Filter {
    std::vector<mail::QueueId> ids;
    std::string sender;     // substring of the reverse-path, "<>" for the empty one
    std::string recipient;  // substring
    std::string domain;     // of a recipient, exactly
    auto fields() { return std::tie(ids, sender, recipient, domain); }
};

// Answered by Rows…, then Done.
struct List {
    std::uint32_t request = 0;
    Filter filter;
    bool with_history = false;
    auto fields() { return std::tie(request, filter, with_history); }
};

enum class Verb : std::uint8_t { hold, release, retry, remove, bounce, last_ = bounce };
// Answered by Done.
struct Act {
    std::uint32_t request = 0;
    Verb verb = Verb::hold;
    Filter filter;
    auto fields() { return std::tie(request, verb, filter); }
};

// Answered by Done; if it succeeded with a descriptor from which to read the message.
struct Body {
    std::uint32_t request = 0;
    mail::QueueId id;
    auto fields() { return std::tie(request, id); }
};

// How full the queue is. Answered by Depth.
struct Count {
    std::uint32_t request = 0;
    auto fields() { return std::tie(request); }
};

using Request = std::variant<List, Act, Body, Count>;

struct RowRecipient {
    std::string address;
    std::string state;  // "ready", "active", "deferred", "held", "delivered", "failed", "expanded"
    std::uint32_t attempts = 0;
    std::int64_t next_attempt_us = 0;
    std::string last_status;
    std::string last_reply;
    std::string last_remote;
    std::string original;       // RFC 3461 4.2, "rfc822;a@b.example"
    std::string expanded_from;  // the alias that led here
    auto fields() {
        return std::tie(address, state, attempts, next_attempt_us, last_status, last_reply,
                        last_remote, original, expanded_from);
    }
};
struct RowEvent {
    std::int64_t at_us = 0;
    std::string address;  // of the recipient, empty where it is about the whole message
    std::string state;
    std::string status;
    std::string reply;
    std::string remote;
    std::string tls;
    auto fields() { return std::tie(at_us, address, state, status, reply, remote, tls); }
};
struct Row {
    mail::QueueId id;
    std::string state;       // "queued", "active", "hold", "damaged", "gone"
    std::string reason;      // of the state
    std::uint64_t size = 0;  // bytes
    std::int64_t arrived_us = 0;
    std::int64_t expires_us = 0;
    std::string sender;  // reverse-path
    std::string message_id;
    std::string client;  // "mx.a.example[192.0.2.1]" or "local"
    std::string user;    // who was logged in
    std::vector<RowRecipient> recipients;
    std::vector<RowEvent> history;
    std::string envelope_id;  // RFC 3461 4.4
    std::string protocol;     // "ESMTPSA" and its kin
    std::string tls;          // of the client
    mail::QueueId about;      // of a notification: the message it tells of
    auto fields() {
        return std::tie(id, state, reason, size, arrived_us, expires_us, sender, message_id, client,
                        user, recipients, history, envelope_id, protocol, tls, about);
    }
};

struct Rows {
    std::uint32_t request = 0;
    std::vector<Row> rows;
    auto fields() { return std::tie(request, rows); }
};
struct Done {
    std::uint32_t request = 0;
    bool ok = true;
    std::uint64_t count = 0;  // messages listed or acted on
    std::string text;         // why not
    auto fields() { return std::tie(request, ok, count, text); }
};
struct Depth {
    std::uint32_t request = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t active = 0;
    std::uint64_t deferred = 0;
    std::uint64_t held = 0;
    auto fields() { return std::tie(request, messages, bytes, active, deferred, held); }
};

using Answer = std::variant<Rows, Done, Depth>;

}  // namespace veredus::ipc::admin
