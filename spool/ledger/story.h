#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mail/envelope.h"
#include "common/mail/queue_id.h"

namespace veredus::spool {

// The story of one message as the ledger keeps it: from the client that brought it to what became
// of it with each recipient. Times are microseconds since 1970; texts are empty where nothing was
// said.
struct Story {
    // An attempt that has ended.
    struct Attempt {
        std::int64_t at_us = 0;
        std::string state;   // what the recipient came to be, by its name in docs/states.md
        std::string status;  // RFC 3463, "4.4.1"
        std::string reply;   // word for word
        std::string remote;  // "mx.b.example[192.0.2.1]:25"
        std::string tls;
        bool operator==(const Attempt&) const = default;
    };
    struct Recipient {
        std::string address;
        std::string original;              // RFC 3461 4.2, "rfc822;a@b.example"
        std::string expanded_from;         // the alias that led here
        std::string state;                 // the last one, by its name in docs/states.md
        std::int64_t next_attempt_us = 0;  // of one that still waits
        std::string why;                   // ... and what for, in a sentence
        std::vector<Attempt> attempts;     // oldest first
        bool operator==(const Recipient&) const = default;
    };

    mail::QueueId id;          // holds the time of arrival
    std::int64_t left_us = 0;  // 0: still in the queue
    std::string state;         // how it left, "done" or "deleted"; of one in the queue, its state
    std::string reason;        // why it is, or was when it left, held or damaged
    std::string reverse_path;
    std::string envelope_id;  // RFC 3461 4.4
    std::string message_id;   // with its angle brackets
    std::uint64_t size = 0;   // bytes
    std::int32_t priority = 0;
    mail::QueueId about;  // of a notification: the message it tells of
    mail::ClientFacts client;
    std::vector<Recipient> recipients;
    bool operator==(const Story&) const = default;
};

// Appends `story` as one line of the ledger, its '\n' included. Bytes that are not UTF-8 become
// U+FFFD.
void compose(const Story& story, std::string& out);
// What compose() wrote, without its '\n'; members that are not known are passed over. Nothing when
// it is no such line.
std::optional<Story> parse_story(std::string_view line);

// "2026-11-25T21:47:02.123456Z" (RFC 3339).
void append_time(std::int64_t us, std::string& out);
std::optional<std::int64_t> parse_time(std::string_view text);
// "2026-11-25", in UTC: the day whose file a story that ends at `us` stands in.
std::string day_of(std::int64_t us);

}  // namespace veredus::spool
