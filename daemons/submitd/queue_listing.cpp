#include "daemons/submitd/queue_listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/ipc/channel.h"

namespace veredus::submitd {
namespace {

using nlohmann::ordered_json;
using smtp::Say;

// Their names for where a message stands.
std::string_view queue_name(const ipc::admin::Row& row) {
    if (row.state == "hold" || row.state == "damaged") return "hold";
    if (row.state == "active") return "active";
    const bool tried = std::ranges::any_of(
        row.recipients, [](const auto& recipient) { return recipient.attempts > 0; });
    return tried ? "deferred" : "incoming";
}

bool waits(const ipc::admin::RowRecipient& recipient) {
    return recipient.state != "delivered" && recipient.state != "failed" &&
           recipient.state != "expanded";
}

// Text from outside may be no UTF-8, which JSON cannot carry.
std::string dump(const ordered_json& value) {
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string queue_line(const ipc::admin::Row& row) {
    ordered_json recipients = ordered_json::array();
    std::int64_t next_us = 0;
    std::uint32_t attempts = 0;
    std::string last_reply;
    for (const auto& recipient : row.recipients) {
        if (!waits(recipient)) continue;
        ordered_json one{{"address", recipient.address}};
        if (!recipient.last_reply.empty()) {
            one["delay_reason"] = recipient.last_reply;
            last_reply = recipient.last_reply;
        }
        recipients.push_back(std::move(one));
        attempts = std::max(attempts, recipient.attempts);
        if (recipient.next_attempt_us > 0 && (next_us == 0 || recipient.next_attempt_us < next_us))
            next_us = recipient.next_attempt_us;
    }
    const ordered_json line{{"queue_name", queue_name(row)},
                            {"queue_id", row.id.text()},
                            {"arrival_time", row.arrived_us / 1'000'000},
                            {"message_size", row.size},
                            {"forced_expire", false},
                            {"sender", row.sender.empty() ? "MAILER-DAEMON" : row.sender},
                            {"recipients", std::move(recipients)},
                            {"next_attempt", next_us / 1'000'000},
                            {"attempts", attempts},
                            {"last_reply", last_reply},
                            {"message_id", row.message_id},
                            {"reason", row.reason}};
    return dump(line);
}

async::Task<smtp::Answer> list_queue(async::Loop& loop, std::string path, async::Stop& stop) {
    net::Descriptor socket = ipc::dial(path);
    if (!socket) co_return smtp::say(Say::queue_unavailable);
    ipc::Channel<ipc::admin::Answer, ipc::admin::Request> channel(loop, std::move(socket));
    channel.send(ipc::admin::List{.request = 1, .filter = {}, .with_history = false});
    smtp::Answer answer = smtp::say(Say::ok);
    answer.reply = smtp::Reply();
    try {
        for (;;) {
            const auto received = co_await channel.receive(stop);
            if (!received) co_return smtp::say(Say::queue_unavailable);
            if (const auto* rows = std::get_if<ipc::admin::Rows>(&received->message)) {
                for (const auto& row : rows->rows)
                    answer.reply.lines.push_back(queue_line(row));
                continue;
            }
            const auto* done = std::get_if<ipc::admin::Done>(&received->message);
            if (done == nullptr || !done->ok) co_return smtp::say(Say::queue_unavailable);
            break;
        }
    } catch (const ipc::ProtocolError&) {
        co_return smtp::say(Say::queue_unavailable);
    }
    const std::size_t count = answer.reply.lines.size();
    // No status before the JSON, so it stands in the last line's text.
    answer.reply.lines.push_back("2.0.0 " + std::to_string(count) + " messages");
    co_return answer;
}

}  // namespace veredus::submitd
