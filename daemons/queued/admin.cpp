#include "daemons/queued/admin.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace veredus::queued {

using async::Stop;
using async::Task;
namespace wire = ipc::admin;

namespace {

// Messages read in one transaction: long lists neither fill the memory nor keep the WAL.
constexpr std::size_t kListedAtOnce = 500;
// Messages changed in one commit, between which others have their turn.
constexpr std::size_t kActedAtOnce = 500;
constexpr std::size_t kShapeRowsPerPacket = 200;
constexpr std::size_t kFindingsPerPacket = 50;

bool only_looks(const wire::Request& request) {
    return std::holds_alternative<wire::List>(request) ||
           std::holds_alternative<wire::Count>(request);
}

wire::Done done_with(std::uint32_t request, std::uint64_t count, std::string text = {}) {
    return {.request = request, .ok = true, .count = count, .text = std::move(text)};
}

}  // namespace

Task<> Admin::serve(Channel& channel, Stop& stop, bool may_act) {
    for (;;) {
        auto received = co_await channel.receive(stop);
        if (!received) co_return;
        auto& message = received->message;
        if (!may_act && !only_looks(message)) throw ipc::ProtocolError("this link only lists");
        const auto request = std::visit([](const auto& asked) { return asked.request; }, message);
        std::string failure;
        try {
            co_await answer(channel, std::move(message), stop);
        } catch (const Unreadable& error) {
            failure = error.what();
        }
        if (!failure.empty()) {
            env_.log.error("the queue cannot be read: {}", failure);
            channel.send(wire::Done{.request = request, .ok = false, .count = 0, .text = failure});
        }
        co_await channel.drained(stop);
    }
}

Task<> Admin::answer(Channel& channel, wire::Request request, Stop& stop) {
    if (auto* asked = std::get_if<wire::List>(&request))
        co_await list(channel, std::move(*asked), stop);
    if (auto* asked = std::get_if<wire::Match>(&request))
        co_await match(channel, std::move(*asked), stop);
    if (auto* asked = std::get_if<wire::Act>(&request))
        co_await act(channel, std::move(*asked), stop);
    if (auto* asked = std::get_if<wire::Pause>(&request))
        co_await pause(channel, std::move(*asked), stop);
    if (auto* asked = std::get_if<wire::Body>(&request)) co_await body(channel, *asked, stop);
    if (auto* asked = std::get_if<wire::Count>(&request)) co_await count(channel, *asked, stop);
    if (auto* asked = std::get_if<wire::Flow>(&request)) co_await flow(channel, *asked, stop);
    if (auto* asked = std::get_if<wire::Shape>(&request)) co_await shape(channel, *asked, stop);
    if (auto* asked = std::get_if<wire::Check>(&request)) co_await check(channel, *asked, stop);
}

std::optional<mail::QueueFilter> Admin::for_disk(mail::QueueFilter filter) const {
    const auto asks_active = [](const mail::FilterTerm& term) {
        return term.key == mail::FilterKey::state &&
               term.number == static_cast<std::int64_t>(mail::QueueState::active);
    };
    std::ranges::sort(filter.ids);
    if (std::erase_if(filter.terms, asks_active) == 0) return filter;
    auto active = dispatcher_.active_ids();
    if (!filter.ids.empty()) {
        std::vector<mail::QueueId> both;
        std::ranges::set_intersection(active, filter.ids, std::back_inserter(both));
        active = std::move(both);
    }
    if (active.empty()) return std::nullopt;
    filter.ids = std::move(active);
    return filter;
}

// --- Looking

Task<> Admin::list(Channel& channel, wire::List request, Stop& stop) {
    struct Page {
        std::size_t size = 0;
        mail::QueueId last;
        std::vector<std::string> packets;
    };
    const auto filter = for_disk(std::move(request.filter));
    std::uint64_t listed = 0;
    mail::QueueId after;
    // Once: there may be as many next hops in memory as recipients.
    const auto reasons = dispatcher_.reasons(request.with_history);
    while (filter && !channel.closed()) {
        const auto size = request.limit == 0
                              ? kListedAtOnce
                              : std::min<std::uint64_t>(kListedAtOnce, request.limit - listed);
        if (size == 0) break;
        const auto in_hand = dispatcher_.in_hand(after);
        const auto read = [&](spool::QueueReader& reader) {
            auto messages = reader.list(*filter, after, size, request.with_history);
            Page page{.size = messages.size()};
            if (!messages.empty()) page.last = messages.back().envelope.id;
            for (auto& message : messages)
                in_hand.settle(message, request.with_history);
            page.packets = packets_of(request.request, std::move(messages), in_hand, reasons);
            return page;
        };
        auto page = co_await with_reader(read, stop);
        if (page.size == 0) break;
        for (auto& packet : page.packets)
            channel.send_packet(std::move(packet));
        listed += page.size;
        after = page.last;
        co_await channel.drained(stop);
    }
    channel.send(done_with(request.request, listed));
}

Task<> Admin::match(Channel& channel, wire::Match request, Stop& stop) {
    const auto filter = for_disk(std::move(request.filter));
    std::uint64_t count = 0;
    if (filter) {
        const auto read = [&](spool::QueueReader& reader) { return reader.count(*filter); };
        count = co_await with_reader(read, stop);
    }
    channel.send(done_with(request.request, count));
}

Task<> Admin::count(Channel& channel, wire::Count request, Stop& stop) {
    const auto read = [](spool::QueueReader& reader) { return reader.waiting(); };
    const auto waiting = co_await with_reader(read, stop);
    const auto& totals = committer_.tally().totals();
    channel.send(wire::Depth{.request = request.request,
                             .messages = totals.messages,
                             .bytes = totals.bytes,
                             .active = dispatcher_.active_jobs(),
                             .deferred = waiting.deferred,
                             .held = waiting.held,
                             .all_paused = env_.config.queue.paused,
                             .paused = dispatcher_.pauses().all(),
                             .mended = dispatcher_.mended(),
                             .disk_free = room_.space().bytes,
                             .room_left = room_.left()});
}

Task<> Admin::check(Channel& channel, wire::Check request, Stop& stop) {
    const auto tell = [&](Inspection::Piece piece) -> Task<> {
        wire::Checked part{request.request, piece.messages, {}};
        for (auto& finding : piece.findings) {
            part.findings.push_back(std::move(finding));
            if (part.findings.size() < kFindingsPerPacket) continue;
            channel.send(std::exchange(part, {request.request, 0, {}}));
            co_await channel.drained(stop);
        }
        channel.send(std::move(part));
        co_await channel.drained(stop);
    };
    co_await committer_.caught_up(stop);
    co_await inspection_.run(tell, stop);
    channel.send(done_with(request.request, 0));
}

Task<> Admin::flow(Channel& channel, wire::Flow request, Stop& stop) {
    constexpr std::size_t kMostDestinations = 100;
    const auto read = [](spool::QueueReader& reader) { return reader.ids({}, {}, 1); };
    const auto oldest = co_await with_reader(read, stop);
    const auto& flow = committer_.tally().flow();
    channel.send(wire::FlowNow{.request = request.request,
                               .at_us = env_.loop.clock().wall_us(),
                               .accepted = flow.accepted,
                               .delivered = flow.delivered,
                               .relayed = flow.relayed,
                               .deferred = flow.deferred,
                               .failed = flow.failed,
                               .oldest_us = oldest.empty() ? 0 : oldest.front().arrival_us(),
                               .destinations = dispatcher_.busiest(std::min<std::size_t>(
                                   request.destinations, kMostDestinations))});
}

Task<> Admin::shape(Channel& channel, wire::Shape request, Stop& stop) {
    using By = spool::QueueReader::By;
    const auto by = request.by_sender ? By::kSender : By::kDestination;
    const auto now = env_.loop.clock().wall_us();
    const auto read = [by, now](spool::QueueReader& reader) { return reader.shape(by, now); };
    auto shape = co_await with_reader(read, stop);
    wire::ShapeRows rows{.request = request.request, .rows = {}};
    for (auto& row : shape) {
        rows.rows.push_back({.domain = std::move(row.domain),
                             .total = row.total,
                             .by_age = {row.by_age.begin(), row.by_age.end()}});
        if (rows.rows.size() < kShapeRowsPerPacket) continue;
        channel.send(rows);
        rows.rows.clear();
        co_await channel.drained(stop);
    }
    if (!rows.rows.empty()) channel.send(rows);
    channel.send(done_with(request.request, shape.size()));
}

Task<> Admin::body(Channel& channel, wire::Body request, Stop& stop) {
    const auto read = [id = request.id](spool::QueueStore& store) {
        return store.show_without_recipients(id);
    };
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
    channel.send(done_with(request.request, 1), std::move(*descriptor));
}

// --- Acting

Task<> Admin::act(Channel& channel, wire::Act request, Stop& stop) {
    const auto done = co_await act_on_all(request.verb, std::move(request.filter), stop);
    channel.send(done_with(
        request.request, done,
        done == 0 ? "no message in the queue matches, or its state does not let it" : ""));
}

Task<std::uint64_t> Admin::act_on_all(wire::Verb verb, mail::QueueFilter meant, Stop& stop) {
    const auto filter = for_disk(std::move(meant));
    std::uint64_t done = 0;
    mail::QueueId after;
    while (filter) {
        const auto read = [&](spool::QueueReader& reader) {
            return reader.ids(*filter, after, kActedAtOnce);
        };
        auto ids = co_await with_reader(read, stop);
        if (ids.empty()) break;
        after = ids.back();
        done += co_await act_on(std::move(ids), verb, stop);
    }
    dispatcher_.look_again();
    co_return done;
}

Task<std::size_t> Admin::act_on(std::vector<mail::QueueId> ids, wire::Verb verb, Stop& stop) {
    if (verb == wire::Verb::bounce) co_return co_await bounce(std::move(ids), stop);
    if (verb == wire::Verb::remove) co_return co_await remove(std::move(ids), stop);
    const auto now = env_.loop.clock().wall_us();
    const auto change = [&ids, verb, now](spool::QueueStore& store) {
        switch (verb) {
            case wire::Verb::hold:
                return store.hold(ids, "held by the administrator");
            case wire::Verb::release:
                return store.release(ids, now);
            default:
                return store.retry(ids, now);
        }
    };
    const auto changed = co_await committer_.with_store(change, stop);
    if (verb == wire::Verb::hold) dispatcher_.drop(changed);
    if (verb == wire::Verb::retry) dispatcher_.forget_rests();
    for (const auto id : changed)
        env_.log.message(id.text(), "{} by the administrator",
                         verb == wire::Verb::hold      ? "held"
                         : verb == wire::Verb::release ? "released"
                                                       : "to be tried now");
    co_return changed.size();
}

Task<std::size_t> Admin::remove(std::vector<mail::QueueId> ids, Stop& stop) {
    const auto now = env_.loop.clock().wall_us();
    const auto leave = [&ids, now](spool::QueueStore& store) { return store.remove(ids, now); };
    const auto gone = co_await committer_.with_store(leave, stop);
    dispatcher_.drop(ids);
    for (const auto& departure : gone) {
        env_.log.message(departure.id.text(), "deleted by the administrator");
        committer_.departed(departure);
    }
    co_return gone.size();
}

// What waits for no other reason is tried as soon as it may.
Task<> Admin::pause(Channel& channel, wire::Pause request, Stop& stop) {
    request.mail.since_us = env_.loop.clock().wall_us();
    const auto change = [&request](spool::QueueStore& store) {
        const bool done = request.resume ? store.resume(request.mail) : store.pause(request.mail);
        return std::pair(done, store.pauses());
    };
    auto [changed, pauses] = co_await committer_.with_store(change, stop);
    dispatcher_.set_pauses(Pauses(std::move(pauses)));
    wire::Done done{.request = request.request, .ok = true, .count = 0, .text = {}};
    if (changed && request.resume) {
        mail::QueueFilter filter;
        filter.terms.push_back({mail::FilterKey::reason, was_paused(request.mail), 0});
        done.count = co_await act_on_all(wire::Verb::retry, std::move(filter), stop);
    }
    if (changed)
        env_.log.info("{}{}", now_paused(request.mail), request.resume ? " no longer" : "");
    if (!changed) done.text = request.resume ? "that was not paused" : "that is paused already";
    channel.send(done);
}

// Gives up on all that is not done, and tells the senders as after any failure.
Task<std::size_t> Admin::bounce(std::vector<mail::QueueId> ids, Stop& stop) {
    const auto read = [&ids](spool::QueueStore& store) {
        std::vector<spool::Queued> messages;
        for (const auto id : ids) {
            if (auto message = store.show(id)) messages.push_back(std::move(*message));
        }
        return messages;
    };
    const auto messages = co_await committer_.with_store(read, stop);
    dispatcher_.drop(ids);
    for (const auto& message : messages)
        dispatcher_.give_up(message, "returned to the sender by the administrator");
    co_await committer_.settled(stop);
    co_return messages.size();
}

}  // namespace veredus::queued
