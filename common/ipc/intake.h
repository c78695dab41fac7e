#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "common/mail/body_ref.h"
#include "common/mail/envelope.h"
#include "common/mail/queue_id.h"

// The link `intake`: smtpd, submitd → queued.
//
// The client writes bodies itself, into files that queued has opened for it and for nobody else
// (write-only): small messages one after the other into a segment (record format in
// docs/formats-queue.md), a large one into a file of its own. A message then counts from queued's
// Accepted on, which comes when body and envelope are on disk.
//
//   OpenBody → BodyOpened + descriptor          once a segment, or once a large message
//   Recipients…, Submit → Accepted | Refused    many transactions side by side
//   Room                                         from queued, when the disk fills up or has room
//   again
namespace veredus::ipc::intake {

// At most this many recipients stand in one message of the link, so that it fits a packet.
inline constexpr std::size_t kRecipientsPerMessage = 100;

// A recipient as the client named it.
struct Recipient {
    std::string forward_path;        // without angle brackets, domain in lower case
    std::string original_recipient;  // RFC 3461 4.2, "rfc822;a@b.example", decoded; or empty
    std::uint8_t notify = 0;
    auto fields() { return std::tie(forward_path, original_recipient, notify); }
};

// All that is known of a message beside its bytes.
struct Envelope {
    mail::QueueId id;
    std::string reverse_path;  // without angle brackets; empty for <>
    std::string envelope_id;   // RFC 3461 4.4, decoded
    mail::Ret ret = mail::Ret::kUnsaid;
    mail::BodyType body_type = mail::BodyType::kSevenBit;
    mail::ClientFacts client;
    std::vector<Recipient> recipients;
    std::string message_id;     // the Message-ID field's value with its angle brackets, or empty
    std::int32_t priority = 0;  // RFC 6710: the higher goes first
    auto fields() {
        return std::tie(id, reverse_path, envelope_id, ret, body_type, client, recipients,
                        message_id, priority);
    }
};

// An envelope as it stands behind its message in a segment, where a client has sealed it
// (spool/body/seal.h): queued can accept the message with no sync but the segment's. What has been
// released never changes, since it is on disks; what comes later is one more alternative.
using Sealed = std::variant<Envelope>;

// To more recipients the message goes without: a packet's worth.
inline constexpr std::size_t kSealedRecipients = kRecipientsPerMessage;

struct OpenBody {
    std::uint32_t request = 0;
    // A file for one large message; otherwise a segment: no body of the one before is taken from
    // then on but those whose Submit was sent already.
    bool single = false;
    auto fields() { return std::tie(request, single); }
};

// The first of a message's recipients, in their order, where they are more than a packet's worth.
struct Recipients {
    std::uint32_t transaction = 0;
    std::vector<Recipient> recipients;
    auto fields() { return std::tie(transaction, recipients); }
};

// A message, with the last of its recipients, or all.
struct Submit {
    std::uint32_t transaction = 0;
    Envelope envelope;
    mail::BodyRef body;  // in a file that was opened for this client
    auto fields() { return std::tie(transaction, envelope, body); }
};

// A single file that will not be committed.
struct DiscardBody {
    std::uint64_t file = 0;
    auto fields() { return std::tie(file); }
};

using Request = std::variant<OpenBody, Recipients, Submit, DiscardBody>;

// With a descriptor, unless `file` is 0 and `text` says why.
struct BodyOpened {
    std::uint32_t request = 0;
    std::uint64_t file = 0;
    std::uint64_t offset = 0;    // write from here on
    std::uint64_t capacity = 0;  // bytes of the whole file that may be used
    std::string key;             // 16 bytes, of a segment: what envelopes in it are sealed with
    std::string text;
    auto fields() { return std::tie(request, file, offset, capacity, key, text); }
};

struct Accepted {
    std::uint32_t transaction = 0;
    auto fields() { return std::tie(transaction); }
};

struct Refused {
    std::uint32_t transaction = 0;
    std::string status;  // RFC 3463: "4.3.1" and the like; the first digit says whether it helps to
                         // try again
    std::string text;
    auto fields() { return std::tie(transaction, status, text); }
};

// Whether the disk has room for new mail; until it is said for the first time it has. Without it
// all that is submitted is refused.
struct Room {
    bool left = true;
    auto fields() { return std::tie(left); }
};

using Answer = std::variant<BodyOpened, Accepted, Refused, Room>;

}  // namespace veredus::ipc::intake
