#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "common/mailq/mailq.h"
#include "common/mailq/why.h"
#include "tools/veredus/story.h"

namespace veredus {
namespace {

using namespace ipc::admin;

std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// "mx.a.example[192.0.2.1]"
mail::ClientFacts client_of(const Row& row) {
    const auto bracket = std::min(row.client.rfind('['), row.client.size());
    std::string address = row.client.substr(bracket);
    if (address.size() > 1) address = address.substr(1, address.size() - 2);
    return {.name = row.client.substr(0, bracket),
            .address = address,
            .protocol = row.protocol,
            .auth_user = row.user,
            .tls = row.tls};
}

spool::Story::Recipient recipient_of(const Row& row, const RowRecipient& recipient) {
    const auto now = now_us();
    spool::Story::Recipient out{.address = recipient.address,
                                .original = recipient.original,
                                .expanded_from = recipient.expanded_from,
                                .state = recipient.state,
                                .next_attempt_us = 0,
                                .why = mailq::why_it_waits(row, recipient, now),
                                .attempts = {}};
    if (!recipient.finished && recipient.paused.empty() && recipient.next_attempt_us > now)
        out.next_attempt_us = recipient.next_attempt_us;
    for (const RowEvent& event : row.history)
        if (event.address == recipient.address)
            out.attempts.push_back({.at_us = event.at_us,
                                    .state = event.state,
                                    .status = event.status,
                                    .reply = event.reply,
                                    .remote = event.remote,
                                    .tls = event.tls});
    return out;
}

}  // namespace

spool::Story story_of(const Row& row) {
    spool::Story story;
    story.id = row.id;
    story.state = row.state;
    story.reason = row.reason;
    story.reverse_path = row.sender;
    story.envelope_id = row.envelope_id;
    story.message_id = row.message_id;
    story.size = row.size;
    story.about = row.about;
    story.client = client_of(row);
    for (const RowRecipient& recipient : row.recipients)
        story.recipients.push_back(recipient_of(row, recipient));
    return story;
}

}  // namespace veredus
