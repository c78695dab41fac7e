#include "spool/queue/story_of.h"

#include <algorithm>
#include <utility>

namespace veredus::spool {
namespace {

Story::Recipient recipient_of(Recipient recipient) {
    return {.address = std::move(recipient.address),
            .original = std::move(recipient.original_recipient),
            .expanded_from = std::move(recipient.expanded_from),
            .state = std::string(name_of(recipient.state)),
            .next_attempt_us = 0,
            .why = {},
            .attempts = {}};
}

// A message's recipients are numbered from 1, without a gap.
void add(Story& story, std::uint32_t recipient, Story::Attempt attempt) {
    if (recipient == 0 || recipient > story.recipients.size()) return;
    story.recipients[recipient - 1].attempts.push_back(std::move(attempt));
}

Story facts_of(Queued message, std::vector<HistoryLine> history) {
    auto& envelope = message.envelope;
    Story story;
    story.id = envelope.id;
    story.reason = std::move(message.reason);
    story.reverse_path = std::move(envelope.reverse_path);
    story.envelope_id = std::move(envelope.envelope_id);
    story.message_id = std::move(envelope.message_id);
    story.size = envelope.body.length;
    story.priority = envelope.priority;
    story.about = envelope.about;
    story.client = std::move(envelope.client);
    story.recipients.reserve(message.recipients.size());
    for (auto& recipient : message.recipients)
        story.recipients.push_back(recipient_of(std::move(recipient)));
    for (auto& line : history)
        add(story, line.recipient,
            {line.at_us, std::string(name_of(line.state)), std::move(line.status),
             std::move(line.reply), std::move(line.remote), std::move(line.tls)});
    return story;
}

}  // namespace

Story story_of(Queued message, std::vector<HistoryLine> history,
               std::span<const Outcome* const> outcomes) {
    auto story = facts_of(std::move(message), std::move(history));
    story.state = "done";
    for (const auto* o : outcomes) {
        story.left_us = std::max(story.left_us, o->at_us);
        add(story, o->recipient,
            {o->at_us, std::string(name_of(o->state)), o->status, o->reply, o->remote, o->tls});
    }
    return story;
}

Story story_of_deleted(Queued message, std::vector<HistoryLine> history, std::int64_t at_us) {
    auto story = facts_of(std::move(message), std::move(history));
    story.state = "deleted";
    story.left_us = at_us;
    return story;
}

}  // namespace veredus::spool
