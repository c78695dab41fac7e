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

// Transactions a client may have begun and not ended, and single files it may hold.
constexpr std::size_t kTransactions = 10'000;
constexpr std::size_t kSingles = 2'000;
constexpr std::size_t kRecipients =
    100'000;  // of a message; smtpd and submitd have their own limit

wire::Refused refusal(std::uint32_t transaction, const Committer::Answer& answer) {
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
        hear(channel, std::move(received->message));
        co_await channel.drained(stop);
    }
}

void Intake::hear(Channel& channel, wire::Request request) {
    if (const auto* open = std::get_if<wire::OpenBody>(&request)) return open_body(channel, *open);
    if (const auto* discard = std::get_if<wire::DiscardBody>(&request)) {
        singles_.erase(discard->file);
        return;
    }
    const std::uint32_t number = std::visit(
        [](const auto& message) -> std::uint32_t {
            if constexpr (requires { message.transaction; }) return message.transaction;
            return 0;
        },
        request);
    in_transaction(channel, number, std::move(request));
}

void Intake::open_body(Channel& channel, const wire::OpenBody& request) {
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

void Intake::in_transaction(Channel& channel, std::uint32_t number, wire::Request request) {
    if (!transactions_.contains(number) && transactions_.size() >= kTransactions)
        throw ipc::ProtocolError("too many transactions at a time");
    Transaction& transaction = transactions_[number];
    if (!transaction.order.admit(request.index()))
        throw ipc::ProtocolError("a transaction is out of order");
    auto& envelope = transaction.envelope;
    if (auto* begin = std::get_if<wire::Begin>(&request)) {
        envelope.id = begin->id;
        envelope.reverse_path = std::move(begin->reverse_path);
        envelope.envelope_id = std::move(begin->envelope_id);
        envelope.ret = begin->ret;
        envelope.body_type = begin->body_type;
        envelope.client = std::move(begin->client);
    } else if (auto* more = std::get_if<wire::Recipients>(&request)) {
        if (envelope.recipients.size() + more->recipients.size() > kRecipients ||
            more->recipients.empty())
            throw ipc::ProtocolError("a wrong number of recipients");
        std::ranges::move(more->recipients, std::back_inserter(envelope.recipients));
    } else {
        auto node = transactions_.extract(number);
        if (auto* last = std::get_if<wire::Commit>(&request))
            commit(channel, std::move(node.mapped()), std::move(*last));
    }
}

bool Intake::claim(const mail::BodyRef& body) {
    if (segment_ && segment_->file() == body.file) return segment_->claim(body);
    const auto single = singles_.find(body.file);
    if (single == singles_.end() || !single->second->claim(body)) return false;
    singles_.erase(single);
    return true;
}

void Intake::commit(Channel& channel, Transaction transaction, wire::Commit commit) {
    const std::uint32_t number = commit.transaction;
    if (!room_.left()) {
        channel.send(refusal(number, {.disk_full = true}));
        return;
    }
    try {
        if (!claim(commit.body))
            throw ipc::ProtocolError("a body that was not given to this client");
    } catch (const spool::DiskError& error) {
        env_.log.error("a message's file: {}", error.what());
        channel.send(wire::Refused{number, "4.3.0", "the queue cannot be written"});
        return;
    }
    auto answer = [to = channel_, accepted = accepted_, number](const Committer::Answer& outcome,
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
    auto& envelope = transaction.envelope;
    envelope.message_id = std::move(commit.message_id);
    envelope.priority = commit.priority;
    committer_.arrive({spool::arrival_of(std::move(envelope), commit.body,
                                         env_.loop.clock().wall_us(), env_.config.queue.expire),
                       std::move(answer)});
}

}  // namespace veredus::queued
