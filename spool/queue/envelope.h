#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/mail/body_ref.h"
#include "common/mail/envelope.h"
#include "common/mail/pause.h"
#include "common/mail/queue_id.h"
#include "spool/queue/states.h"

namespace veredus::spool {

struct Envelope {
    mail::QueueId id;
    std::string reverse_path;  // without angle brackets; empty for <>
    std::string envelope_id;   // RFC 3461 4.4, decoded; empty when not said
    mail::Ret ret = mail::Ret::kUnsaid;
    mail::BodyType body_type = mail::BodyType::kSevenBit;
    mail::BodyRef body;
    mail::ClientFacts client;
    std::string message_id;       // the Message-ID field's value with its angle brackets, or empty
    std::int32_t priority = 0;    // higher goes first
    std::int64_t expires_us = 0;  // since 1970: what is not delivered by then has failed
    bool delay_noticed = false;   // a delay notice has been sent, or must never be
    mail::QueueId about;          // of a notification: the message it tells of
};

struct Recipient {
    std::uint32_t number = 0;        // within its message, from 1
    std::string address;             // where to deliver, without angle brackets
    std::string original_recipient;  // RFC 3461 4.2, "rfc822;a@b.example", decoded; or empty
    std::string expanded_from;       // the address of the alias that led here, or empty
    std::uint8_t notify = 0;         // bits, mail::kNotify...
    std::string destination;         // domain in lower case; what limits and filters go by
    RecipientState state = RecipientState::kReady;
    std::uint32_t attempts = 0;
    std::int64_t next_attempt_us = 0;  // since 1970
    // Of the last attempt; empty before the first.
    std::string last_status;  // RFC 3463, "4.4.1"
    std::string last_reply;   // word for word
    std::string last_remote;  // "mx.b.example[192.0.2.1]:25"
};

struct NewMessage {
    Envelope envelope;
    std::vector<Recipient> recipients;  // at least one; numbers are given by the store
};

// What became of an attempt at one recipient.
struct Outcome {
    mail::QueueId message;
    std::uint32_t recipient = 0;
    RecipientState state = RecipientState::kDeferred;  // never none, ready or held
    std::int64_t at_us = 0;
    std::string status;
    std::string reply;
    std::string remote;
    std::string tls;
    std::int64_t next_attempt_us = 0;    // deferred or in doubt
    bool tried = true;                   // false: deferred without an attempt, which is no history
    std::vector<Recipient> expanded_to;  // expanded
};

// A line of a message's history: a recipient came into a state.
struct HistoryLine {
    mail::QueueId message;
    std::int64_t at_us = 0;
    std::uint32_t recipient = 0;
    RecipientState state = RecipientState::kNone;
    std::string address;
    std::string status;
    std::string reply;
    std::string remote;
    std::string tls;
};

// A message as it stands in the queue.
struct Queued {
    Envelope envelope;
    MessageState state = MessageState::kNone;
    std::string reason;  // why it is held or damaged
    std::vector<Recipient> recipients;
    std::vector<HistoryLine> history;  // where it was asked for
};
}  // namespace veredus::spool
