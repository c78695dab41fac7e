#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "common/mail/body_ref.h"
#include "common/mail/envelope.h"
#include "common/mail/queue_id.h"

// The link `work`: relayd, deliverd → queued. The worker dials and says how much it can carry;
// queued sends jobs with a descriptor to read their bodies from; the worker answers each recipient
// of each job once. When the link breaks, what was not answered is due again.
namespace veredus::ipc::work {

// First, once.
struct Ready {
    std::uint32_t capacity = 1;  // jobs at a time
    auto fields() { return std::tie(capacity); }
};

enum class Result : std::uint8_t {
    delivered,  // the next hop's 250, or the mailbox's own durable commit
    deferred,   // try again
    failed,     // for good
    expanded,   // an alias: deliver to `expanded_to` instead
    damaged,    // the body does not match its digest: nothing was sent
    last_ = damaged,
};

struct Outcome {
    std::uint32_t recipient = 0;
    Result result = Result::deferred;
    std::string status;     // RFC 3463: "2.0.0"
    std::string reply;      // word for word, or our own words where the remote never spoke
    std::string remote;     // "mx.b.example[192.0.2.1]:25", "local", or empty
    std::string tls;        // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified", or empty
    bool in_doubt = false;  // the connection broke after the final dot: it may have arrived
    bool notifies = false;  // the next hop offers DSN: to tell of success is its duty now
    std::vector<std::string> expanded_to;
    auto fields() {
        return std::tie(recipient, result, status, reply, remote, tls, in_doubt, notifies,
                        expanded_to);
    }
};

// Some or all recipients of a job.
struct Outcomes {
    std::uint64_t job = 0;
    std::vector<Outcome> outcomes;
    auto fields() { return std::tie(job, outcomes); }
};

using FromWorker = std::variant<Ready, Outcomes>;

struct JobRecipient {
    std::uint32_t recipient = 0;  // number within its message
    std::string forward_path;
    std::string original_recipient;  // RFC 3461 4.2, decoded; or empty
    std::string expanded_from;       // the address an alias led here from, or empty
    std::uint8_t notify = 0;
    auto fields() {
        return std::tie(recipient, forward_path, original_recipient, expanded_from, notify);
    }
};

// A descriptor of the file that body.offset and body.length speak of comes with the last of the
// jobs that share it; deliverd's jobs have one each. body.file means nothing to the worker.
struct Job {
    std::uint64_t job = 0;
    mail::QueueId id;
    // For relayd, the next hop: "b.example" (look up MX), "[192.0.2.1]:25" or "[mx.b.example]:587",
    // with a login "user:***@[host]:port", whose password relayd knows. For deliverd, the local
    // domain.
    std::string next_hop;
    std::string reverse_path;
    std::string envelope_id;
    mail::Ret ret = mail::Ret::kUnsaid;
    mail::BodyType body_type = mail::BodyType::kSevenBit;
    std::vector<JobRecipient> recipients;  // at most kRecipientsPerJob
    mail::BodyRef body;
    std::int64_t arrived_us = 0;  // since 1970
    std::int64_t due_us = 0;      // when it could have gone out: for the log's delays=
    // [destinations]: to this next hop at most so many at a time, so many over one; 0: as it goes.
    std::uint32_t connections = 0;
    std::uint32_t messages = 0;
    auto fields() {
        return std::tie(job, id, next_hop, reverse_path, envelope_id, ret, body_type, recipients,
                        body, arrived_us, due_us, connections, messages);
    }
};

inline constexpr std::size_t kRecipientsPerJob = 100;

// To relayd: an administrator has asked for another try, so what is remembered of hosts that could
// not be reached does not count.
struct Forget {
    auto fields() { return std::tie(); }
};

using ToWorker = std::variant<Job, Forget>;

}  // namespace veredus::ipc::work
