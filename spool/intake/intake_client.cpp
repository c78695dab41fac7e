#include "spool/intake/intake_client.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "common/async/blocking.h"
#include "common/async/time.h"
#include "spool/body/record.h"
#include "spool/disk/real_disk.h"

namespace veredus::intake {

using async::Slot;
using async::Stop;
using async::Task;
namespace wire = ipc::intake;

namespace {

constexpr auto kRedial = std::chrono::milliseconds(50);
constexpr std::ptrdiff_t kPacketful = wire::kRecipientsPerMessage;
constexpr std::size_t kSpareBytes = 8 * 1024 * 1024;

Verdict away() {
    return {.accepted = false, .status = "4.3.0", .text = "the queue is not available now"};
}

Verdict failure_of(const spool::DiskError& error) {
    if (error.disk_full())
        return {.accepted = false, .status = "4.3.1", .text = "the disk of the queue is full"};
    return {.accepted = false, .status = "4.3.0", .text = "the queue cannot be written"};
}

// Without it nothing is sealed, and each commit waits for one more sync.
std::optional<spool::SegmentKey> key_in(const wire::BodyOpened& opened) {
    spool::SegmentKey key;
    if (opened.key.size() != key.size()) return std::nullopt;
    std::ranges::copy(opened.key, key.begin());
    return key;
}

}  // namespace

std::string sealed_form(const Envelope& envelope) {
    std::string out;
    if (envelope.recipients.size() <= wire::kSealedRecipients)
        ipc::encode(wire::Sealed(envelope), out);
    return out;
}

// --- Body

Body::Body(IntakeClient& client)
    : client_(client), generation_(client.generation_), memory_(client.take_memory()) {}

Body::~Body() {
    if (file_ && !committed_) client_.discard(file_->file_number(), generation_);
    client_.give_back(file_ ? file_->take_memory() : std::move(memory_));
}

void Body::write(std::string_view bytes) {
    if (failed()) return;
    if (file_) {
        file_->add(bytes);
    } else {
        memory_.add(bytes);
    }
}

bool Body::full() const {
    if (failed()) return false;
    return file_ ? file_->full() : memory_.size() > spool::kSingleFileThreshold;
}

void Body::fail(std::string status, std::string text) {
    failure_ = {.accepted = false, .status = std::move(status), .text = std::move(text)};
}

Task<> Body::make_room(Stop& stop) {
    if (!file_) co_await open_file(stop);
    co_await to_file([this] { file_->write_out(); });
}

Task<> Body::finish(mail::BodyRef& ref, Stop& stop) {
    if (!file_) co_await open_file(stop);
    co_await to_file([this, &ref] { ref = file_->finish(); });
}

Task<> Body::open_file(Stop& stop) {
    auto opened = co_await client_.open(true, stop);
    generation_ = client_.generation_;
    if (opened.file) {
        file_ = std::make_unique<spool::SingleFileWriter>(std::move(opened.file), opened.where.file,
                                                          std::move(memory_));
    } else if (opened.where.text.empty()) {
        failure_ = away();
    } else {
        fail("4.3.1", opened.where.text);
    }
}

// Beside the loop, which serves other sessions meanwhile.
template <class Call>
Task<> Body::to_file(Call call) {
    if (failed()) co_return;
    try {
        co_await async::blocking(client_.loop_, call);
    } catch (const spool::DiskError& error) {
        failure_ = failure_of(error);
    }
}

// --- IntakeClient

IntakeClient::IntakeClient(async::Loop& loop, log::Log& log, std::string path)
    : loop_(loop), log_(log), path_(std::move(path)), segment_turn_(loop, 1) {}

Task<> IntakeClient::run(Stop& stop) {
    for (;;) {
        if (auto socket = ipc::dial(path_)) {
            channel_ = std::make_unique<Channel>(loop_, std::move(socket));
            ++generation_;
            std::exception_ptr error;
            try {
                co_await receive_answers(stop);
            } catch (const ipc::ProtocolError& broken) {
                log_.error("queued broke the protocol: {}", broken.what());
            } catch (...) {
                error = std::current_exception();
            }
            link_is_gone();
            if (error) std::rethrow_exception(error);
        }
        co_await async::sleep_for(loop_, kRedial, stop);
    }
}

Task<> IntakeClient::receive_answers(Stop& stop) {
    for (;;) {
        auto answer = co_await channel_->receive(stop);
        if (!answer) co_return;
        hear(std::move(*answer));
    }
}

void IntakeClient::hear(ipc::Received<wire::Answer> answer) {
    if (auto* opened = std::get_if<wire::BodyOpened>(&answer.message)) {
        const auto found = opening_.find(opened->request);
        if (found == opening_.end()) return;
        std::unique_ptr<spool::File> file;
        if (!answer.descriptors.empty())
            file = spool::adopt_file(answer.descriptors.front().release());
        found->second->set({std::move(file), std::move(*opened)});
        return;
    }
    if (const auto* room = std::get_if<wire::Room>(&answer.message)) {
        has_room_ = room->left;
        return;
    }
    Verdict verdict{.accepted = true, .status = "2.0.0", .text = {}};
    std::uint32_t transaction = 0;
    if (auto* refused = std::get_if<wire::Refused>(&answer.message)) {
        transaction = refused->transaction;
        verdict = {.accepted = false,
                   .status = std::move(refused->status),
                   .text = std::move(refused->text)};
    } else {
        transaction = std::get<wire::Accepted>(answer.message).transaction;
    }
    const auto found = committing_.find(transaction);
    if (found != committing_.end()) found->second->set(std::move(verdict));
}

void IntakeClient::link_is_gone() {
    channel_.reset();
    has_room_ = true;
    segment_.reset();
    for (auto& [number, slot] : std::exchange(opening_, {}))
        slot->set({});
    for (auto& [number, slot] : std::exchange(committing_, {}))
        slot->set(away());
}

Task<IntakeClient::Opened> IntakeClient::open(bool single, Stop& stop) {
    if (!channel_) co_return Opened{};
    const std::uint32_t number = ++last_number_;
    const auto slot = std::make_shared<Slot<Opened>>(loop_);
    opening_.emplace(number, slot);
    channel_->send(wire::OpenBody{.request = number, .single = single});
    std::exception_ptr error;
    Opened out;
    try {
        out = co_await slot->get(stop);
    } catch (const async::Stopped&) {
        error = std::current_exception();
    }
    opening_.erase(number);
    if (error) std::rethrow_exception(error);
    co_return out;
}

// A small message, into the segment. False: body.failure_ says why.
Task<bool> IntakeClient::append(const Envelope& envelope, Body& body, mail::BodyRef& ref,
                                Stop& stop) {
    for (;;) {
        const auto generation = generation_;
        if (segment_) {
            std::optional<mail::BodyRef> place;
            try {
                place = segment_->append(envelope.id, envelope.reverse_path, body.memory_.bytes(),
                                         sealed_form(envelope));
            } catch (const spool::DiskError& error) {
                body.failure_ = failure_of(error);
                segment_
                    .reset();  // what was written of the record is not to be followed by another
                co_return false;
            }
            if (place) {
                ref = *place;
                co_return true;
            }
            // Full for one, full for all: queued takes no body from it once the next was asked for.
            segment_.reset();
        }
        const auto turn = co_await segment_turn_.acquire(stop);
        if (segment_) continue;  // somebody else has opened the next one
        auto opened = co_await open(false, stop);
        if (!opened.file) {
            if (opened.where.text.empty()) {
                body.failure_ = away();
            } else {
                body.fail("4.3.1", opened.where.text);
            }
            co_return false;
        }
        if (generation != generation_ || !channel_) continue;
        segment_ = std::make_unique<spool::SegmentWriter>(
            std::move(opened.file), opened.where.file, opened.where.offset,
            spool::SegmentWriter::Growth::kAhead, key_in(opened.where));
    }
}

Task<Verdict> IntakeClient::submit(Envelope envelope, Body& body, Stop& stop) {
    mail::BodyRef ref;
    if (body.file_ || body.full()) {
        co_await body.finish(ref, stop);
        if (!body.failed() && (body.generation_ != generation_ || !channel_)) co_return away();
    } else if (!body.failed()) {
        co_await append(envelope, body, ref, stop);
    }
    if (body.failed()) co_return body.failure_;
    if (!channel_) co_return away();
    const std::uint32_t transaction = ++last_number_;
    const auto slot = std::make_shared<Slot<Verdict>>(loop_);
    committing_.emplace(transaction, slot);
    body.committed_ = true;
    send(transaction, std::move(envelope), ref);
    std::exception_ptr error;
    Verdict out;
    try {
        out = co_await slot->get(stop);
    } catch (const async::Stopped&) {
        error = std::current_exception();
    }
    committing_.erase(transaction);
    if (error) std::rethrow_exception(error);
    co_return out;
}

void IntakeClient::send(std::uint32_t transaction, Envelope envelope, const mail::BodyRef& ref) {
    auto& all = envelope.recipients;
    auto first = all.begin();
    for (; all.end() - first > kPacketful; first += kPacketful)
        channel_->send(
            wire::Recipients{.transaction = transaction,
                             .recipients = {std::make_move_iterator(first),
                                            std::make_move_iterator(first + kPacketful)}});
    all.erase(all.begin(), first);
    channel_->send(
        wire::Submit{.transaction = transaction, .envelope = std::move(envelope), .body = ref});
}

// The last to be given back, which the processor has at hand.
spool::BlockBuffer IntakeClient::take_memory() {
    if (spare_memory_.empty()) return {};
    spool::BlockBuffer memory = std::move(spare_memory_.back());
    spare_memory_.pop_back();
    spare_bytes_ -= memory.capacity();
    return memory;
}

void IntakeClient::give_back(spool::BlockBuffer memory) {
    if (memory.capacity() == 0 || spare_bytes_ + memory.capacity() > kSpareBytes) return;
    memory.clear();
    spare_bytes_ += memory.capacity();
    spare_memory_.push_back(std::move(memory));
}

void IntakeClient::discard(std::uint64_t file, std::uint64_t generation) {
    if (channel_ && generation == generation_) channel_->send(wire::DiscardBody{file});
}

}  // namespace veredus::intake
