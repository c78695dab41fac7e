#include "daemons/queued/admin.h"

#include <unistd.h>
#include <algorithm>
#include <utility>

#include "common/mail/header.h"

namespace veredus::queued {

using async::Stop;
using async::Task;
namespace wire = ipc::admin;

namespace {

constexpr std::size_t kPage = 200;  // messages read at a time
constexpr std::size_t kRowsPerPacket = 20;
constexpr std::size_t kRecipientsShown = 200;  // of one message, so that a row fits a packet

bool contains(std::string_view text, std::string_view part) {
    return mail::ascii_lower(text).contains(mail::ascii_lower(part));
}

bool matches(const spool::Queued& message, const wire::Filter& filter) {
    const auto& envelope = message.envelope;
    if (filter.sender == "<>" && !envelope.reverse_path.empty()) return false;
    if (!filter.sender.empty() && filter.sender != "<>" &&
        !contains(envelope.reverse_path, filter.sender))
        return false;
    const auto any = [&](const auto& holds) {
        return std::ranges::any_of(message.recipients, holds);
    };
    if (!filter.recipient.empty() &&
        !any([&](const auto& r) { return contains(r.address, filter.recipient); }))
        return false;
    return filter.domain.empty() ||
           any([&](const auto& r) { return r.destination == filter.domain; });
}

wire::Row row_of(const spool::Queued& message, bool active) {
    const auto& envelope = message.envelope;
    wire::Row row;
    row.id = envelope.id;
    row.state = message.state == spool::MessageState::kHeld      ? "hold"
                : message.state == spool::MessageState::kDamaged ? "damaged"
                : active                                         ? "active"
                                                                 : "queued";
    row.reason = message.reason;
    row.size = envelope.body.length;
    row.arrived_us = envelope.id.arrival_us();
    row.expires_us = envelope.expires_us;
    row.sender = envelope.reverse_path;
    row.message_id = envelope.message_id;
    row.client = envelope.client.name + "[" + envelope.client.address + "]";
    row.user = envelope.client.auth_user;
    row.envelope_id = envelope.envelope_id;
    row.protocol = envelope.client.protocol;
    row.tls = envelope.client.tls;
    row.about = envelope.about;
    for (const auto& recipient : message.recipients) {
        if (row.recipients.size() == kRecipientsShown) break;
        row.recipients.push_back({.address = recipient.address,
                                  .state = std::string(spool::name_of(recipient.state)),
                                  .attempts = recipient.attempts,
                                  .next_attempt_us = recipient.next_attempt_us,
                                  .last_status = recipient.last_status,
                                  .last_reply = recipient.last_reply.substr(0, 300),
                                  .last_remote = recipient.last_remote,
                                  .original = recipient.original_recipient,
                                  .expanded_from = recipient.expanded_from});
    }
    return row;
}

wire::RowEvent event_of(const spool::HistoryLine& line) {
    return {.at_us = line.at_us,
            .address = line.address,
            .state = std::string(spool::name_of(line.state)),
            .status = line.status,
            .reply = line.reply.substr(0, 300),
            .remote = line.remote,
            .tls = line.tls};
}

}  // namespace

Task<> Admin::serve(Channel& channel, Stop& stop, bool may_act) {
    for (;;) {
        auto received = co_await channel.receive(stop);
        if (!received) co_return;
        auto& message = received->message;
        if (!may_act && !std::holds_alternative<wire::List>(message) &&
            !std::holds_alternative<wire::Count>(message))
            throw ipc::ProtocolError("this link only lists");
        if (auto* asked = std::get_if<wire::List>(&message))
            co_await list(channel, std::move(*asked), stop);
        if (auto* asked = std::get_if<wire::Act>(&message))
            co_await act(channel, std::move(*asked), stop);
        if (auto* asked = std::get_if<wire::Body>(&message)) co_await body(channel, *asked, stop);
        if (auto* asked = std::get_if<wire::Count>(&message)) co_await count(channel, *asked, stop);
        co_await channel.drained(stop);
    }
}

// The next messages that the filter lets through; the last one's id is where the next page begins.
Task<std::vector<spool::Queued>> Admin::page(wire::Filter filter, mail::QueueId after, Stop& stop) {
    const auto read = [&](spool::QueueStore& store) {
        std::vector<spool::Queued> out;
        if (!filter.ids.empty()) {
            for (const auto id : filter.ids) {
                if (id <= after) continue;
                if (auto shown = store.show(id)) out.push_back(std::move(*shown));
            }
            std::ranges::sort(out, {}, [](const auto& message) { return message.envelope.id; });
        } else {
            out = store.list({}, after, kPage);
        }
        return out;
    };
    co_return co_await committer_.with_store(read, stop);
}

Task<> Admin::list(Channel& channel, wire::List request, Stop& stop) {
    mail::QueueId after;
    std::uint64_t listed = 0;
    std::ranges::sort(request.filter.ids);
    for (;;) {
        const auto messages = co_await page(request.filter, after, stop);
        if (messages.empty()) break;
        after = messages.back().envelope.id;
        wire::Rows rows{.request = request.request, .rows = {}};
        for (const auto& message : messages) {
            if (!matches(message, request.filter)) continue;
            auto row = row_of(message, dispatcher_.active(message.envelope.id));
            if (request.with_history) {
                const auto id = message.envelope.id;
                const auto read = [id](spool::QueueStore& store) { return store.history(id); };
                for (const auto& line : co_await committer_.with_store(read, stop))
                    row.history.push_back(event_of(line));
            }
            rows.rows.push_back(std::move(row));
            ++listed;
            if (rows.rows.size() == kRowsPerPacket ||
                rows.rows.back().recipients.size() > kRowsPerPacket) {
                channel.send(rows);
                rows.rows.clear();
                co_await channel.drained(stop);
            }
        }
        if (!rows.rows.empty()) channel.send(rows);
    }
    channel.send(wire::Done{.request = request.request, .ok = true, .count = listed, .text = {}});
}

Task<> Admin::act(Channel& channel, wire::Act request, Stop& stop) {
    std::uint64_t done = 0;
    mail::QueueId after;
    std::ranges::sort(request.filter.ids);
    for (;;) {
        const auto messages = co_await page(request.filter, after, stop);
        if (messages.empty()) break;
        after = messages.back().envelope.id;
        for (const auto& message : messages) {
            if (!matches(message, request.filter)) continue;
            const bool acted = co_await act_on(message.envelope.id, request.verb, stop);
            if (acted) ++done;
        }
    }
    dispatcher_.look_again();
    channel.send(wire::Done{
        .request = request.request,
        .ok = true,
        .count = done,
        .text = done == 0 ? "no message in the queue matches, or its state does not let it" : ""});
}

Task<bool> Admin::act_on(mail::QueueId id, wire::Verb verb, Stop& stop) {
    if (verb == wire::Verb::bounce) co_return co_await bounce(id, stop);
    const auto now = env_.loop.clock().wall_us();
    if (verb == wire::Verb::remove) {
        const auto remove = [id, now](spool::QueueStore& store) { return store.remove(id, now); };
        const auto gone = co_await committer_.with_store(remove, stop);
        if (!gone) co_return false;
        dispatcher_.drop(id);
        bodies_.drop_reference(gone->body.file);
        dispatcher_.departed(*gone);
        co_return true;
    }
    const auto change = [id, verb, now](spool::QueueStore& store) {
        switch (verb) {
            case wire::Verb::hold:
                return store.hold(id, "held by the administrator");
            case wire::Verb::release:
                return store.release(id, now);
            default:
                return store.retry(id, now);
        }
    };
    const bool changed = co_await committer_.with_store(change, stop);
    if (changed && verb == wire::Verb::hold) dispatcher_.drop(id);
    if (changed)
        env_.log.message(id.text(), "{} by the administrator",
                         verb == wire::Verb::hold      ? "held"
                         : verb == wire::Verb::release ? "released"
                                                       : "to be tried now");
    co_return changed;
}

// Gives up on all that is not done, and tells the sender as after any failure.
Task<bool> Admin::bounce(mail::QueueId id, Stop& stop) {
    const auto read = [id](spool::QueueStore& store) { return store.show(id); };
    const auto message = co_await committer_.with_store(read, stop);
    if (!message) co_return false;
    dispatcher_.drop(id);
    dispatcher_.give_up(*message, "returned to the sender by the administrator");
    co_await committer_.settled(stop);
    co_return true;
}

Task<> Admin::body(Channel& channel, wire::Body request, Stop& stop) {
    const auto read = [id = request.id](spool::QueueStore& store) { return store.show(id); };
    const auto message = co_await committer_.with_store(read, stop);
    wire::Done done{.request = request.request,
                    .ok = false,
                    .count = 0,
                    .text = "no such message in the queue"};
    if (!message) {
        channel.send(done);
        co_return;
    }
    auto descriptor = dispatcher_.open_alone(message->envelope.body);
    if (!descriptor) {
        done.text = "the message cannot be read: " + descriptor.error().text;
        channel.send(done);
        co_return;
    }
    done = {.request = request.request, .ok = true, .count = 1, .text = {}};
    channel.send(done, std::move(*descriptor));
}

Task<> Admin::count(Channel& channel, wire::Count request, Stop& stop) {
    const auto read = [](spool::QueueStore& store) {
        spool::Filter held;
        held.state = spool::MessageState::kHeld;
        spool::Filter deferred;
        deferred.recipient_state = spool::RecipientState::kDeferred;
        return std::tuple(store.count({}), store.count(held), store.count(deferred));
    };
    const auto [all, held, deferred] = co_await committer_.with_store(read, stop);
    channel.send(wire::Depth{.request = request.request,
                             .messages = all.messages,
                             .bytes = all.bytes,
                             .active = dispatcher_.active_messages(),
                             .deferred = deferred.messages,
                             .held = held.messages});
}

}  // namespace veredus::queued
