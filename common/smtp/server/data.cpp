// The session's DATA: from 354 to the answer after the message.

#include <fmt/format.h>

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/mail/priority.h"
#include "common/mail/received.h"
#include "common/smtp/server/session.h"

namespace veredus::smtp {
namespace {

// Who is named twice gets one copy, unless reports are asked for in other words (RFC 3461).
void drop_repeated(std::vector<ipc::intake::Recipient>& recipients) {
    if (recipients.size() < 2) return;
    std::set<std::tuple<std::string, std::string, std::uint8_t>> seen;
    std::erase_if(recipients,
                  [&](auto& recipient) { return !seen.insert(recipient.fields()).second; });
}

}  // namespace

async::Task<Answer> Session::on_data(Command) {
    receiving_ = true;
    put(say(Say::go_ahead_data).reply);
    Incoming message(world_.message_size_max);
    co_await receive(message);
    data_done_ = true;
    if (message.endless) {
        closing_ = true;
        co_return say(Say::message_too_large, {std::to_string(world_.message_size_max)});
    }
    if (auto fault = fault_of(message.reader)) message.refusal = std::move(fault);
    if (message.refusal) co_return *message.refusal;
    co_return co_await store(message);
}

async::Task<> Session::receive(Incoming& message) {
    stream_.deadline(world_.idle);
    co_await stream_.flush();
    for (;;) {
        const std::string_view block = stream_.buffered();
        std::string_view rest = block;
        while (!rest.empty() && !message.reader.ended()) {
            std::string_view piece = message.reader.next(rest);
            if (!message.sink && !message.refusal && message.take_header(piece))
                co_await open_message(message);
            if (message.sink) message.sink->write(piece);
        }
        stream_.consume(block.size() - rest.size());
        const bool ended = message.reader.ended();
        if (message.reader.defect() != DataReader::Defect::none && !message.refusal) {
            message.refusal = fault_of(message.reader);
            message.sink.reset();
        }
        if (!message.sink && !message.refusal) {
            if (ended) {
                co_await open_message(message);
            } else if (message.head.size() > kHeaderMax) {
                message.refusal = say(Say::message_header_too_large, {std::to_string(kHeaderMax)});
            }
        }
        if (message.sink && message.sink->full()) co_await message.sink->make_room(stop_);
        if (ended) co_return;
        if (message.reader.size() > 2 * world_.message_size_max + kHeaderMax) {
            message.endless = true;
            co_return;
        }
        if (!stream_.buffered().empty()) continue;  // it came while room was made
        stream_.deadline(world_.idle);
        const bool more = co_await stream_.more();
        if (!more) throw net::IoError("closed in the midst of a message");
    }
}

// Moves what is the header's from the front of `piece`, with the empty line that ends it; says
// whether that line was there.
bool Session::Incoming::take_header(std::string_view& piece) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const std::size_t known = head.size();
    // The end may have begun in the piece before; a message may begin with it.
    std::string edge = known < kEnd.size() ? "\r\n" + head : head.substr(known - kEnd.size() + 1);
    const std::size_t before = edge.size();
    edge += piece.substr(0, kEnd.size() - 1);
    std::size_t length = piece.size();
    bool complete = true;
    if (const auto at = edge.find(kEnd); at != std::string::npos) {
        length = at + kEnd.size() - before;
    } else if (const auto within = piece.find(kEnd); within != std::string_view::npos) {
        length = within + kEnd.size();
    } else {
        complete = false;
    }
    head += piece.substr(0, length);
    piece.remove_prefix(length);
    return complete;
}

// The header is there: what is to be refused is refused, the fields we add are put in front.
async::Task<> Session::open_message(Incoming& message) {
    stream_.no_deadline();
    const auto fields = mail::Header::scan(message.head);
    if (fields.range().length > kHeaderMax) {
        message.refusal = say(Say::message_header_too_large, {std::to_string(kHeaderMax)});
        co_return;
    }
    const std::size_t received_fields = fields.find_all("Received").size();
    if (received_fields > kReceivedMax) {
        message.refusal = say(Say::message_loops, {std::to_string(received_fields)});
        co_return;
    }
    const ArrivedHeader header{message.head, fields, *transaction_};
    auto added = co_await policy_.header(client_, header, stop_);
    if (!added) {
        message.refusal = std::move(added.error());
        co_return;
    }
    transaction_->message_id = fields.value("Message-ID");
    if (transaction_->message_id.empty())
        transaction_->message_id = mail::Header::scan(*added).value("Message-ID");
    transaction_->priority = mail::priority_of(fields);
    drop_repeated(transaction_->recipients);
    message.sink = policy_.sink();
    message.sink->write(received());
    message.sink->write(*added);
    if (fields.fields().empty() && !message.head.starts_with("\r\n")) message.sink->write("\r\n");
    message.sink->write(message.head);
    message.head = {};
}

std::string Session::received() const {
    mail::ReceivedFacts facts;
    facts.helo = client_.helo;
    facts.client_address = client_.address.ip;
    facts.uid = client_.uid;
    facts.host = world_.hostname;
    facts.protocol =
        mail::protocol_name(client_.extended, client_.tls.has_value(), !client_.user.empty());
    facts.id = transaction_->id.text();
    if (transaction_->recipients.size() == 1)
        facts.recipient = transaction_->recipients.front().forward_path;
    if (client_.tls) {
        facts.tls_version = client_.tls->protocol;
        facts.tls_cipher = client_.tls->cipher;
    }
    facts.date = mail::local_time(transaction_->id.arrival_us() / 1'000'000);
    return mail::received_field(facts);
}

std::optional<Answer> Session::fault_of(const DataReader& reader) const {
    const std::string line = std::to_string(reader.lines());
    switch (reader.defect()) {
        case DataReader::Defect::none:
            return std::nullopt;
        case DataReader::Defect::bare_lf:
            return say(Say::message_bare_lf, {line});
        case DataReader::Defect::bare_cr:
            return say(Say::message_bare_cr, {line});
        case DataReader::Defect::nul:
            return say(Say::message_nul, {line});
        case DataReader::Defect::line_too_long:
            return say(Say::message_line_too_long, {line, std::to_string(DataReader::kLineMax)});
        case DataReader::Defect::too_large:
            return say(Say::message_too_large, {std::to_string(world_.message_size_max)});
    }
    return std::nullopt;
}

async::Task<Answer> Session::store(Incoming& message) {
    stream_.no_deadline();
    const std::string id = transaction_->id.text();
    std::string who;
    if (client_.uid) who = fmt::format(", uid={}", *client_.uid);
    if (!client_.user.empty())
        who = fmt::format(", sasl_method={}, sasl_username={}", client_.mechanism, client_.user);
    // Before the commit, so that the log tells the message's story in its order; queued goes on
    // with "from=".
    world_.log.message(id, "client={}{}", client_.log_name(), who);
    world_.log.message(id, "message-id={}", transaction_->message_id);
    const auto verdict = co_await message.sink->commit(client_, *transaction_, stop_);
    if (verdict.accepted) {
        errors_ = 0;
        co_return say(Say::queued, {id});
    }
    world_.log.message(id, "not accepted: {}", verdict.text);
    world_.log.warning("{}: not queued: {} {}", id, verdict.status, verdict.text);
    Answer answer = say(verdict.status == "4.3.1" ? Say::queue_full : Say::queue_unavailable);
    const auto status = EnhancedStatus::parse(verdict.status);
    if (status && status->status_class == 5) answer.reply = Reply(554, status, verdict.text);
    co_return answer;
}

}  // namespace veredus::smtp
