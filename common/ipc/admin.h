#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "common/mail/pause.h"
#include "common/mail/queue_filter.h"
#include "common/mail/queue_id.h"

// The link `admin`: veredus → queued; and, for listing alone, submitd → queued (`queue_list`, the
// same messages, of which queued takes List and Count alone).
namespace veredus::ipc::admin {

using Filter = mail::QueueFilter;

// Answered by Rows…, each packet its own, then Done.
struct List {
    std::uint32_t request = 0;
    Filter filter;
    bool with_history = false;
    std::uint64_t limit = 0;  // messages; 0: all
    auto fields() { return std::tie(request, filter, with_history, limit); }
};

// How many messages the filter means. Answered by Done.
struct Match {
    std::uint32_t request = 0;
    Filter filter;
    auto fields() { return std::tie(request, filter); }
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

// What waits, by where it goes (recipients) or where it came from (messages), and how long.
// Answered by ShapeRows…, then Done.
struct Shape {
    std::uint32_t request = 0;
    bool by_sender = false;
    auto fields() { return std::tie(request, by_sender); }
};

// What goes through the queue. Answered by FlowNow.
struct Flow {
    std::uint32_t request = 0;
    std::uint32_t destinations = 0;  // of the busiest, so many at most
    auto fields() { return std::tie(request, destinations); }
};

// Mail that is to wait, or no longer. Answered by Done, whose text says so when it was so already;
// on resuming `count` messages are tried again.
struct Pause {
    std::uint32_t request = 0;
    mail::Pause mail;
    bool resume = false;
    auto fields() { return std::tie(request, mail, resume); }
};

// Reads all there is and compares. Answered by Checked…, then Done.
struct Check {
    std::uint32_t request = 0;
    auto fields() { return std::tie(request); }
};

using Request = std::variant<List, Act, Body, Count, Match, Shape, Flow, Pause, Check>;

// How things stand where a recipient waits for its turn.
struct Turn {
    std::string next_hop;            // without credentials; empty: nobody asked
    std::string away;                // the daemon that would take it and is not there; else empty
    std::uint32_t active = 0;        // jobs on their way to it
    std::uint32_t most = 0;          // as many as it takes for now
    std::uint64_t waiting = 0;       // messages in memory
    std::int64_t rate_pause_us = 0;  // until its rate lets another go
    auto fields() { return std::tie(next_hop, away, active, most, waiting, rate_pause_us); }
};
struct RowRecipient {
    std::string address;
    std::string state;      // its name in docs/states.md
    bool finished = false;  // nothing is to be done for it any more
    bool tried_now = false;
    std::string paused;  // by what it is kept from being tried; empty where it is not
    Turn turn;
    std::uint32_t attempts = 0;
    std::int64_t next_attempt_us = 0;
    std::string last_status;
    std::string last_reply;
    std::string last_remote;
    std::string original;       // RFC 3461 4.2, "rfc822;a@b.example"
    std::string expanded_from;  // the alias that led here
    auto fields() {
        return std::tie(address, state, finished, tried_now, paused, turn, attempts,
                        next_attempt_us, last_status, last_reply, last_remote, original,
                        expanded_from);
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
// A message with more recipients and history than a packet holds comes as several rows, one after
// the other.
struct Row {
    mail::QueueId id;
    bool continued = false;  // the next row brings more of its recipients or history
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
        return std::tie(id, continued, state, reason, size, arrived_us, expires_us, sender,
                        message_id, client, user, recipients, history, envelope_id, protocol, tls,
                        about);
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
// What queued's watchdog has mended since it started; all should be 0.
struct Mended {
    std::uint64_t recipients = 0;  // due, and nobody had them
    std::uint64_t workers = 0;     // had jobs and said nothing
    std::int64_t last_us = 0;      // when; since 1970
    auto fields() { return std::tie(recipients, workers, last_us); }
};
struct Depth {
    std::uint32_t request = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t active = 0;    // jobs on their way: a message to one next hop
    std::uint64_t deferred = 0;  // recipients
    std::uint64_t held = 0;      // messages, those that are damaged among them
    bool all_paused = false;     // by the setting queue.paused
    std::vector<mail::Pause> paused;
    Mended mended;
    std::uint64_t disk_free = 0;  // bytes
    bool room_left = true;        // more than queue.min_free: mail is taken
    auto fields() {
        return std::tie(request, messages, bytes, active, deferred, held, all_paused, paused,
                        mended, disk_free, room_left);
    }
};
struct ShapeRow {
    std::string domain;  // empty: of the null sender
    std::uint64_t total = 0;
    std::vector<std::uint64_t> by_age;  // up to 5, 10, 20 … 1280 minutes, and older
    auto fields() { return std::tie(domain, total, by_age); }
};
struct ShapeRows {
    std::uint32_t request = 0;
    std::vector<ShapeRow> rows;
    auto fields() { return std::tie(request, rows); }
};

struct BusyDestination {
    std::string name;           // a next hop, or a domain of ours
    std::uint32_t active = 0;   // jobs on their way
    std::uint32_t most = 0;     // as many as it has shown to carry; 0: nothing is due there
    std::uint64_t waiting = 0;  // messages in memory
    std::string last_error;     // of the last attempt, if that failed
    auto fields() { return std::tie(name, active, most, waiting, last_error); }
};
// Counted since queued started.
struct FlowNow {
    std::uint32_t request = 0;
    std::int64_t at_us = 0;
    std::uint64_t accepted = 0;   // messages, notifications among them
    std::uint64_t delivered = 0;  // recipients: into mailboxes
    std::uint64_t relayed = 0;    // recipients
    std::uint64_t deferred = 0;   // attempts that failed for the time being
    std::uint64_t failed = 0;     // recipients given up
    std::int64_t oldest_us = 0;   // when the oldest message arrived; 0: there is none
    std::vector<BusyDestination> destinations;
    auto fields() {
        return std::tie(request, at_us, accepted, delivered, relayed, deferred, failed, oldest_us,
                        destinations);
    }
};

// Of a check: so many messages more have been read, and what was found. Done follows the last.
struct Checked {
    std::uint32_t request = 0;
    std::uint64_t messages = 0;
    std::vector<std::string> findings;
    auto fields() { return std::tie(request, messages, findings); }
};

using Answer = std::variant<Rows, Done, Depth, ShapeRows, FlowNow, Checked>;

}  // namespace veredus::ipc::admin
