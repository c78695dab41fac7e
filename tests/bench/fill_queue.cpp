// Fills a spool that nobody has open with messages that were tried and wait, straight through the
// library: what a host looks like whose big destinations have been away for two days. Usage:
// fill_queue SPOOL [messages] [bytes] [destinations] [senders]
//
// Each message has one recipient, deferred once; it is due again between one and five hours from
// now. Bodies are real messages of about `bytes`.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/disk/real_disk.h"
#include "spool/disk/side_by_side.h"
#include "spool/intake/intake_client.h"
#include "spool/queue/queue_store.h"

namespace {

using namespace veredus;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kHour_us = 3'600'000'000;
constexpr std::int64_t kAge_us = 48 * kHour_us;  // of the oldest
constexpr std::size_t kBatch = 5000;

struct Settings {
    std::string spool;
    std::size_t messages = 1'000'000;
    std::size_t bytes = 1024;
    std::size_t destinations = 1000;
    std::size_t senders = 500;
};

std::int64_t wall_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

class Filler {
  public:
    explicit Filler(const Settings& settings)
        : settings_(settings),
          root_(spool::open_real_directory(settings.spool)),
          store_(*root_),
          bodies_(root_->open_directory("body")),
          now_us_(wall_us()) {
        store_.recover(bodies_);
    }

    void run() {
        const auto start = Clock::now();
        while (made_ < settings_.messages || !batch_.outcomes.empty())
            commit_some();
        store_.note_durable();
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        fmt::print("{} messages of about {} bytes to {} destinations in {:.1f} s\n",
                   settings_.messages, settings_.bytes, settings_.destinations, seconds);
    }

  private:
    std::string address(std::string_view name, std::string_view domain, std::size_t of) const {
        return fmt::format("{}{}@{}{}.example", name, made_ % 97, domain, made_ % of);
    }

    mail::BodyRef write_body(const spool::Envelope& envelope, const std::string& to) {
        auto text = fmt::format(
            "From: <{}>\r\nTo: <{}>\r\nMessage-ID: {}\r\nSubject: {} of {} that wait\r\n\r\n",
            envelope.reverse_path, to, envelope.message_id, made_ + 1, settings_.messages);
        constexpr std::string_view kLine =
            "The courier waits at the inn until the bridge is mended.\r\n";
        while (text.size() < settings_.bytes)
            text += kLine;
        std::optional<mail::BodyRef> body;
        const auto sealed =
            intake::sealed_form({.id = envelope.id,
                                 .reverse_path = envelope.reverse_path,
                                 .envelope_id = {},
                                 .client = envelope.client,
                                 .recipients = {{.forward_path = to, .original_recipient = {}}},
                                 .message_id = envelope.message_id});
        if (writer_) body = writer_->append(envelope.id, envelope.reverse_path, text, sealed);
        if (!body) {
            writer_.reset();
            lease_ = bodies_.create_segment(wall_us());
            writer_.emplace(lease_->open_for_writing(), lease_->file(), lease_->start(),
                            spool::SegmentWriter::Growth::kByRecord, lease_->key());
            body = writer_->append(envelope.id, envelope.reverse_path, text, sealed);
        }
        if (!lease_->claim(*body)) throw std::runtime_error("claim refused");
        return *body;
    }

    spool::NewMessage make_message() {
        const auto share = static_cast<double>(made_) / static_cast<double>(settings_.messages);
        const auto arrived = now_us_ - kAge_us + static_cast<std::int64_t>(share * kAge_us);
        spool::NewMessage message;
        auto& e = message.envelope;
        e.id = mail::QueueId::make(arrived, static_cast<std::uint16_t>(made_ & 0xFFF));
        e.reverse_path = address("sender", "from", settings_.senders);
        e.message_id = fmt::format("<{}@from{}.example>", e.id.text(), made_ % settings_.senders);
        e.client = {"client.example", "192.0.2.1", "ESMTPS", "", "TLSv1.3 TLS_AES_256_GCM_SHA384"};
        e.expires_us = now_us_ + 72 * kHour_us;
        spool::Recipient recipient;
        recipient.address = address("user", "to", settings_.destinations);
        recipient.destination = recipient.address.substr(recipient.address.find('@') + 1);
        e.body = write_body(e, recipient.address);
        message.recipients.push_back(std::move(recipient));
        return message;
    }

    spool::Outcome put_off(const spool::NewMessage& message) const {
        spool::Outcome outcome;
        outcome.message = message.envelope.id;
        outcome.recipient = 1;
        outcome.state = spool::RecipientState::kDeferred;
        outcome.at_us = message.envelope.id.arrival_us() + 1'000'000;
        outcome.status = "4.4.1";
        outcome.reply = fmt::format("connect to mx.{}[192.0.2.9]:25: Connection timed out",
                                    message.recipients[0].destination);
        outcome.next_attempt_us =
            now_us_ + kHour_us + static_cast<std::int64_t>(made_ * 7919 % 14400) * 1'000'000;
        return outcome;
    }

    // New messages, and what became of those of the commit before.
    void commit_some() {
        std::vector<spool::Outcome> outcomes;
        std::vector<std::uint64_t> files;
        batch_.arrivals.clear();
        for (std::size_t i = 0; i < kBatch && made_ < settings_.messages; ++i, ++made_) {
            batch_.arrivals.push_back(make_message());
            const auto file = batch_.arrivals.back().envelope.body.file;
            if (files.empty() || files.back() != file) files.push_back(file);
            outcomes.push_back(put_off(batch_.arrivals.back()));
        }
        auto written = store_.write(batch_, {}, bodies_.to_sync(files));
        store_.sync(written, spool::one_by_one);
        batch_.outcomes = std::move(outcomes);
    }

    Settings settings_;
    std::unique_ptr<spool::Directory> root_;
    spool::QueueStore store_;
    spool::BodyStore bodies_;
    std::int64_t now_us_;
    std::unique_ptr<spool::BodyStore::Lease> lease_;
    std::optional<spool::SegmentWriter> writer_;
    spool::Batch batch_;
    std::size_t made_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: {} SPOOL [messages] [bytes] [destinations] [senders]\n",
                   argv[0]);
        return 64;
    }
    Settings settings;
    settings.spool = argv[1];
    const auto number = [&](int index, std::size_t otherwise) {
        return argc > index ? std::strtoull(argv[index], nullptr, 10) : otherwise;
    };
    settings.messages = number(2, settings.messages);
    settings.bytes = number(3, settings.bytes);
    settings.destinations = number(4, settings.destinations);
    settings.senders = number(5, settings.senders);
    Filler(settings).run();
    return 0;
}
