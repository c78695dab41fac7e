#include <nlohmann/json.hpp>

#include "spool/ledger/story.h"

namespace veredus::spool {
namespace {

using nlohmann::json;

std::int64_t time_in(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return 0;
    const auto us = parse_time(found->get_ref<const std::string&>());
    if (!us) throw std::invalid_argument(name);
    return *us;
}

std::optional<mail::QueueId> id_in(const json& object, const char* name) {
    return mail::QueueId::parse(object.value(name, std::string()));
}

Story::Attempt attempt_from(const json& object) {
    return {.at_us = time_in(object, "at"),
            .state = object.at("state"),
            .status = object.value("status", ""),
            .reply = object.value("reply", ""),
            .remote = object.value("remote", ""),
            .tls = object.value("tls", "")};
}

Story::Recipient recipient_from(const json& object) {
    Story::Recipient recipient{.address = object.at("to"),
                               .original = object.value("original", ""),
                               .expanded_from = object.value("expanded_from", ""),
                               .state = object.at("state"),
                               .next_attempt_us = time_in(object, "next_attempt"),
                               .why = object.value("why", ""),
                               .attempts = {}};
    for (const auto& attempt : object.at("attempts"))
        recipient.attempts.push_back(attempt_from(attempt));
    return recipient;
}

Story story_from(const json& object) {
    Story story;
    story.id = id_in(object, "id").value();
    story.left_us = time_in(object, "left");
    story.state = object.at("state");
    story.reason = object.value("reason", "");
    story.reverse_path = object.at("from");
    story.envelope_id = object.value("envelope_id", "");
    story.message_id = object.value("message_id", "");
    story.size = object.value("size", std::uint64_t(0));
    story.priority = object.value("priority", std::int32_t(0));
    story.about = id_in(object, "about").value_or(mail::QueueId());
    const auto& client = object.at("client");
    story.client = {.name = client.value("name", ""),
                    .address = client.value("address", ""),
                    .protocol = client.value("protocol", ""),
                    .auth_user = client.value("user", ""),
                    .tls = client.value("tls", "")};
    for (const auto& recipient : object.at("recipients"))
        story.recipients.push_back(recipient_from(recipient));
    return story;
}

}  // namespace

std::optional<Story> parse_story(std::string_view line) {
    const auto object = json::parse(line, nullptr, false);
    try {
        if (!object.is_object() || object.at("v") != 1) return std::nullopt;
        return story_from(object);
    } catch (const std::exception&) {  // a member is missing, or is not what it should be
        return std::nullopt;
    }
}

}  // namespace veredus::spool
