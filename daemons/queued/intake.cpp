#include "daemons/queued/intake.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "spool/body/record.h"
#include "spool/disk/disk.h"
#include "spool/queue/arrival.h"

namespace veredus::queued {

using async::Stop;
using async::Task;
namespace wire = ipc::intake;

namespace {

// Transactions of many recipients a client may have begun and not ended, and single files it may
// hold.
constexpr std::size_t kTransactions = 10'000;
constexpr std::size_t kSingles = 2'000;
constexpr std::size_t kRecipients =
    100'000;  // of a message; smtpd and submitd have their own limit

wire::Refused refusal(std::uint32_t transaction, const Answer& answer) {
    if (answer.disk_full) return {transaction, "4.3.1", "the disk of the queue is full"};
    if (answer.result == spool::ArrivalResult::kDuplicateId)
        return {transaction, "4.3.0", "queue id already in use"};
    return {transaction, "4.3.0", "the message could not be brought to the disk"};
}

}  // namespace

Intake::Intake(daemon::Env& env, Committer& committer, spool::BodyStore& bodies, Room& room,
               Accepted accepted)
    : env_(env),
      committer_(committer),
      bodies_(bodies),
      room_(room),
      accepted_(std::move(accepted)),
      channel_(std::make_shared<Channel*>(nullptr)) {}

Task<> Intake::run(Channel& channel, Stop& stop) {
    struct Gone {
        std::shared_ptr<Channel*> channel;
        ~Gone() { *channel = nullptr; }
    };
    *channel_ = &channel;
    const Gone gone{channel_};
    const auto tell_room = [&] { channel.send(wire::Room{room_.left()}); };
    const Room::Listener listener(room_, tell_room);
    if (!room_.left()) tell_room();
    for (;;) {
        auto received = co_await channel.receive(stop);
        if (!received) co_return;
        std::visit([&](auto& message) { hear(channel, std::move(message)); }, received->message);
        co_await channel.drained(stop);
    }
}

void Intake::hear(Channel& channel, const wire::OpenBody& request) {
    wire::BodyOpened answer{
        .request = request.request, .file = 0, .offset = 0, .capacity = 0, .key = {}, .text = {}};
    try {
        if (!room_.left()) throw spool::DiskError(ENOSPC, "begin", "one more file");
        if (request.single && singles_.size() >= kSingles)
            throw spool::DiskError(EMFILE, "open", "one more file");
        const auto now = env_.loop.clock().wall_us();
        auto lease = request.single ? bodies_.create_single(now) : bodies_.create_segment(now);
        const auto file = lease->open_for_writing();
        answer.file = lease->file();
        answer.offset = lease->start();
        answer.capacity = request.single ? 0 : spool::kSegmentSize;
        if (!request.single) answer.key.assign(lease->key().begin(), lease->key().end());
        channel.send(answer, net::Descriptor(::dup(file->descriptor())));
        if (request.single) {
            singles_[answer.file] = std::move(lease);
        } else {
            segment_ = std::move(
                lease);  // all that went into the one before was committed before this was said
        }
    } catch (const spool::DiskError& error) {
        env_.log.error("no file for a message: {}", error.what());
        answer.text =
            error.disk_full() ? "the disk of the queue is full" : "the queue cannot be written";
        answer.file = 0;
        channel.send(answer);
    }
}

void Intake::hear(Channel&, const wire::DiscardBody& discard) {
    singles_.erase(discard.file);
}

void Intake::hear(Channel&, wire::Recipients first) {
    if (!first_recipients_.contains(first.transaction) && first_recipients_.size() >= kTransactions)
        throw ipc::ProtocolError("too many transactions at a time");
    auto& all = first_recipients_[first.transaction];
    if (first.recipients.empty() || all.size() + first.recipients.size() > kRecipients)
        throw ipc::ProtocolError("a wrong number of recipients");
    std::ranges::move(first.recipients, std::back_inserter(all));
}

bool Intake::claim(const mail::BodyRef& body) {
    if (segment_ && segment_->file() == body.file) return segment_->claim(body);
    const auto single = singles_.find(body.file);
    if (single == singles_.end() || !single->second->claim(body)) return false;
    singles_.erase(single);
    return true;
}

void Intake::hear(Channel& channel, wire::Submit submit) {
    const std::uint32_t number = submit.transaction;
    auto& recipients = submit.envelope.recipients;
    if (auto first = first_recipients_.extract(number)) {
        std::ranges::move(recipients, std::back_inserter(first.mapped()));
        recipients = std::move(first.mapped());
    }
    if (recipients.empty() || recipients.size() > kRecipients)
        throw ipc::ProtocolError("a wrong number of recipients");
    if (!room_.left()) return channel.send(refusal(number, {.disk_full = true}));
    try {
        if (!claim(submit.body))
            throw ipc::ProtocolError("a body that was not given to this client");
    } catch (const spool::DiskError& error) {
        env_.log.error("a message's file: {}", error.what());
        return channel.send(wire::Refused{number, "4.3.0", "the queue cannot be written"});
    }
    auto answer = [to = channel_, accepted = accepted_, number](const Answer& outcome,
                                                                const spool::NewMessage& message) {
        const bool good = !outcome.disk_full && outcome.result == spool::ArrivalResult::kAccepted;
        // First the answer, for which somebody waits: the log is written in the same order.
        if (*to != nullptr && good) {
            (*to)->send(wire::Accepted{number});
        } else if (*to != nullptr) {
            (*to)->send(refusal(number, outcome));
        }
        if (good) accepted(message);
    };
    committer_.arrive({spool::arrival_of(std::move(submit.envelope), submit.body,
                                         env_.loop.clock().wall_us(), env_.config.queue.expire),
                       std::move(answer)});
}

}  // namespace veredus::queued
