#include "daemons/queued/queue_rows.h"

#include <algorithm>
#include <utility>

#include "common/ipc/wire.h"

namespace veredus::queued {
namespace {

namespace wire = ipc::admin;

// Bytes of rows in a packet: under what a link takes even when the last one is long.
constexpr std::size_t kPacketBytes = 48 * 1024;
// What the numbers of a row or a recipient take, and the lengths of its texts, at most.
constexpr std::size_t kNumbers = 96;

std::string_view state_of(const spool::Queued& message, bool active) {
    switch (message.state) {
        case spool::MessageState::kHeld:
            return "hold";
        case spool::MessageState::kDamaged:
            return "damaged";
        default:
            return active ? "active" : "queued";
    }
}

wire::Row row_of(spool::Queued& message, bool active) {
    auto& envelope = message.envelope;
    wire::Row row;
    row.id = envelope.id;
    row.state = state_of(message, active);
    row.reason = std::move(message.reason);
    row.size = envelope.body.length;
    row.arrived_us = envelope.id.arrival_us();
    row.expires_us = envelope.expires_us;
    row.sender = std::move(envelope.reverse_path);
    row.message_id = std::move(envelope.message_id);
    row.client = envelope.client.name + "[" + envelope.client.address + "]";
    row.user = std::move(envelope.client.auth_user);
    row.envelope_id = std::move(envelope.envelope_id);
    row.protocol = std::move(envelope.client.protocol);
    row.tls = std::move(envelope.client.tls);
    row.about = envelope.about;
    return row;
}

wire::RowEvent event_of(spool::HistoryLine& line) {
    return {.at_us = line.at_us,
            .address = std::move(line.address),
            .state = std::string(spool::name_of(line.state)),
            .status = std::move(line.status),
            .reply = std::move(line.reply),
            .remote = std::move(line.remote),
            .tls = std::move(line.tls)};
}

wire::RowRecipient recipient_of(spool::Recipient& recipient, bool tried, std::string paused,
                                wire::Turn turn) {
    return {.address = std::move(recipient.address),
            .state = std::string(spool::name_of(recipient.state)),
            .finished = !spool::unfinished(recipient.state),
            .tried_now = tried,
            .paused = std::move(paused),
            .turn = std::move(turn),
            .attempts = recipient.attempts,
            .next_attempt_us = recipient.next_attempt_us,
            .last_status = std::move(recipient.last_status),
            .last_reply = std::move(recipient.last_reply),
            .last_remote = std::move(recipient.last_remote),
            .original = std::move(recipient.original_recipient),
            .expanded_from = std::move(recipient.expanded_from)};
}

std::size_t bytes_of(const wire::RowRecipient& r) {
    return kNumbers + r.address.size() + r.state.size() + r.paused.size() + r.turn.next_hop.size() +
           r.last_status.size() + r.last_reply.size() + r.last_remote.size() + r.original.size() +
           r.expanded_from.size();
}

std::size_t bytes_of(const wire::RowEvent& e) {
    return kNumbers + e.address.size() + e.state.size() + e.status.size() + e.reply.size() +
           e.remote.size() + e.tls.size();
}

std::size_t bytes_of(const wire::Row& row) {
    return kNumbers + row.state.size() + row.reason.size() + row.sender.size() +
           row.message_id.size() + row.client.size() + row.user.size() + row.envelope_id.size() +
           row.protocol.size() + row.tls.size();
}

class Packer {
  public:
    Packer(std::uint32_t request, const InHand& in_hand, const Reasons& reasons)
        : in_hand_(in_hand), reasons_(reasons) {
        rows_.request = request;
    }

    void add(spool::Queued& message) {
        const auto id = message.envelope.id;
        const auto tried = [&](const spool::Recipient& recipient) {
            return in_hand_.is_tried(id, recipient.number);
        };
        const auto sender = reasons_.paused(message.envelope);
        const auto paused = [&](const spool::Recipient& recipient) {
            if (!spool::unfinished(recipient.state) || tried(recipient)) return std::string();
            return sender.empty() ? reasons_.paused(recipient) : sender;
        };
        auto row = row_of(message, std::ranges::any_of(message.recipients, tried));
        bytes_ += bytes_of(row);
        for (auto& recipient : message.recipients) {
            make_room(row);
            row.recipients.push_back(recipient_of(recipient, tried(recipient), paused(recipient),
                                                  reasons_.turn(recipient)));
            bytes_ += bytes_of(row.recipients.back());
        }
        for (auto& line : message.history) {
            make_room(row);
            row.history.push_back(event_of(line));
            bytes_ += bytes_of(row.history.back());
        }
        rows_.rows.push_back(std::move(row));
        if (bytes_ >= kPacketBytes) flush();
    }

    std::vector<std::string> packets() && {
        flush();
        return std::move(packets_);
    }

  private:
    // The rest of the message comes with the next packet where this one is full.
    void make_room(wire::Row& row) {
        if (bytes_ < kPacketBytes || (row.recipients.empty() && row.history.empty())) return;
        const auto id = row.id;
        row.continued = true;
        rows_.rows.push_back(std::exchange(row, {.id = id}));
        flush();
    }
    void flush() {
        bytes_ = 0;
        if (rows_.rows.empty()) return;
        ipc::encode(wire::Answer(rows_), packets_.emplace_back());
        rows_.rows.clear();
    }

    const InHand& in_hand_;
    const Reasons& reasons_;
    wire::Rows rows_;
    std::size_t bytes_ = 0;
    std::vector<std::string> packets_;
};

}  // namespace

std::vector<std::string> packets_of(std::uint32_t request, std::vector<spool::Queued> messages,
                                    const InHand& in_hand, const Reasons& reasons) {
    Packer packer(request, in_hand, reasons);
    for (auto& message : messages)
        packer.add(message);
    return std::move(packer).packets();
}

}  // namespace veredus::queued
