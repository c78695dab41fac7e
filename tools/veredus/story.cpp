#include "tools/veredus/story.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "tools/shared/output.h"

namespace veredus {
namespace {

using spool::Story;

// RFC 5321 4.5.4.1 says to try again; who has it already can tell by the Message-ID.
constexpr std::string_view kInDoubt =
    "the connection broke after the final dot: it may have arrived; the next attempt carries the "
    "same Message-ID";

struct Event {
    std::int64_t at_us;
    std::string text;
    std::size_t order = 0;
};

std::string time_text(std::int64_t at_us) {
    const std::time_t seconds = at_us / 1'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string line(std::string_view name, std::string_view value) {
    return value.empty() ? "" : fmt::format("  {:<11} {}\n", name, log::printable(value));
}

std::string facts(const Story& story) {
    const auto& client = story.client;
    std::string received = fmt::format("{} from {}[{}]", time_text(story.id.arrival_us()),
                                       client.name, client.address);
    if (!client.protocol.empty()) received += " with " + client.protocol;
    if (!client.tls.empty()) received += ", " + client.tls;
    std::string text =
        fmt::format("{} {}\n", story.id.text(),
                    story.left_us == 0 ? story.state : story.state + ", has left the queue");
    text += line("reason", story.reason);
    text += line("from", fmt::format("<{}>", story.reverse_path));
    text += line("message id", story.message_id);
    text += line("envelope id", story.envelope_id);
    text += line("size", fmt::format("{} bytes", story.size));
    text += line("received", received);
    text += line("user", client.auth_user);
    if (story.about == story.id) {
        text += line("about", "a notification that could not be delivered");
    } else if (story.about != mail::QueueId()) {
        text += line("about", fmt::format("{}: this is a notification of what became of it",
                                          story.about.text()));
    }
    return text;
}

std::string recipient_lines(const Story::Recipient& recipient) {
    std::string to = fmt::format("<{}> {}, tried {}", recipient.address, recipient.state,
                                 counted(recipient.attempts.size(), "time"));
    if (!recipient.expanded_from.empty())
        to += fmt::format(", for the alias <{}>", recipient.expanded_from);
    std::string text = line("to", to);
    if (recipient.state == "in doubt") text += line("", kInDoubt);
    text += line("", recipient.why);
    if (recipient.next_attempt_us > 0)
        text += line("", "next attempt at " + time_text(recipient.next_attempt_us));
    return text;
}

Event event_of(const Story& story, const Story::Recipient& recipient,
               const Story::Attempt& attempt) {
    const auto delay_us = std::max<std::int64_t>(0, attempt.at_us - story.id.arrival_us());
    std::string text = fmt::format("<{}> {}", recipient.address, attempt.state);
    if (!attempt.status.empty()) text += " " + attempt.status;
    text += fmt::format(" after {:.3g} s", static_cast<double>(delay_us) / 1e6);
    if (!attempt.remote.empty()) text += " by " + attempt.remote;
    if (!attempt.tls.empty()) text += fmt::format(" ({})", attempt.tls);
    if (!attempt.reply.empty()) text += ": " + attempt.reply;
    return {attempt.at_us, text};
}

std::vector<Event> events_of(const Story& story, std::span<const Story> notifications) {
    std::vector<Event> events;
    for (const auto& recipient : story.recipients)
        for (const auto& attempt : recipient.attempts)
            events.push_back(event_of(story, recipient, attempt));
    for (const auto& told : notifications) {
        if (told.about != story.id) continue;
        for (const auto& recipient : told.recipients)
            events.push_back({told.id.arrival_us(),
                              fmt::format("notification {} to <{}>, now {}", told.id.text(),
                                          recipient.address, recipient.state)});
    }
    if (story.left_us != 0)
        events.push_back({story.left_us, story.state == "deleted" ? "deleted by the administrator"
                                                                  : "left the queue"});
    // What happened at the same time stays in its order.
    for (std::size_t i = 0; i < events.size(); ++i)
        events[i].order = i;
    std::ranges::sort(events, {}, [](const Event& e) { return std::pair(e.at_us, e.order); });
    return events;
}

}  // namespace

std::string story_text(const Story& story, std::span<const Story> notifications) {
    std::string text = facts(story);
    for (const auto& recipient : story.recipients)
        text += recipient_lines(recipient);
    for (const auto& event : events_of(story, notifications))
        text += fmt::format("  {}  {}\n", time_text(event.at_us), log::printable(event.text));
    return text;
}

}  // namespace veredus
