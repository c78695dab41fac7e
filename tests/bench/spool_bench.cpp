// Messages per second through the spool alone, one thread of work: each batch brings new messages
// and the outcomes of the batch before, as queued does. Usage: spool_bench DIRECTORY [messages]
// [batch] [bytes]
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/disk/real_disk.h"
#include "spool/disk/side_by_side.h"
#include "spool/queue/queue_reader.h"
#include "spool/queue/queue_store.h"

namespace {

using namespace veredus;
using Clock = std::chrono::steady_clock;

struct Settings {
    std::string directory;
    std::size_t messages = 100'000;
    std::size_t batch = 32;
    std::size_t bytes = 4096;
};

std::int64_t wall_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

spool::NewMessage make_message(mail::QueueId id, const mail::BodyRef& body, std::int64_t now_us) {
    spool::NewMessage message;
    auto& e = message.envelope;
    e.id = id;
    e.reverse_path = "sender@client.example";
    e.body = body;
    e.client = {"client.example", "[192.0.2.1]:50000", "ESMTPS", "",
                "TLSv1.3 TLS_AES_256_GCM_SHA384"};
    e.message_id = fmt::format("<{}@client.example>", id.text());
    e.expires_us = now_us + 5LL * 86400 * 1'000'000;
    spool::Recipient recipient;
    recipient.address = "user@mx.example";
    recipient.destination = "mx.example";
    recipient.next_attempt_us = now_us;
    message.recipients.push_back(recipient);
    return message;
}

class Bench {
  public:
    explicit Bench(const Settings& settings)
        : settings_(settings),
          root_(spool::open_real_directory(settings.directory)),
          store_(*root_),
          bodies_(root_->open_directory("body")) {
        store_.recover(bodies_);
        text_ = std::string(settings.bytes - 2, 'x') + "\r\n";
    }

    void run() {
        const auto start = Clock::now();
        for (std::size_t done = 0; done < settings_.messages; done += settings_.batch)
            round(settings_.batch);
        round(0);
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        fmt::print(
            "{} messages of {} bytes, batches of {}: {:.0f} messages/s accepted and finished, "
            "{:.2f} ms a batch; left in queue {}\n",
            settings_.messages, settings_.bytes, settings_.batch,
            static_cast<double>(settings_.messages) / seconds,
            1000 * seconds * static_cast<double>(settings_.batch) /
                static_cast<double>(settings_.messages),
            spool::QueueReader(store_).count({}));
    }

  private:
    mail::BodyRef write_body(mail::QueueId id) {
        std::optional<mail::BodyRef> body;
        if (writer_) body = writer_->append(id, "sender@client.example", text_);
        if (!body) {
            writer_.reset();
            lease_ = bodies_.create_segment(wall_us());
            writer_.emplace(lease_->open_for_writing(), lease_->file(), lease_->start(),
                            spool::SegmentWriter::Growth::kAhead);
            body = writer_->append(id, "sender@client.example", text_);
        }
        if (!lease_->claim(*body)) throw std::runtime_error("claim refused");
        return *body;
    }

    void round(std::size_t arrivals) {
        spool::Batch batch;
        const auto now = wall_us();
        for (const auto id : waiting_) {
            batch.outcomes.push_back({id, 1, spool::RecipientState::kRelayed, now, "2.0.0",
                                      "250 2.0.0 Ok: queued as 0123456789",
                                      "mx.example[192.0.2.2]:25"});
        }
        waiting_.clear();
        std::vector<std::uint64_t> files;
        for (std::size_t i = 0; i < arrivals; ++i) {
            const auto id = mail::QueueId::make(wall_us(), static_cast<std::uint16_t>(i));
            const auto body = write_body(id);
            if (files.empty() || files.back() != body.file) files.push_back(body.file);
            batch.arrivals.push_back(make_message(id, body, now));
            waiting_.push_back(id);
        }
        auto written = store_.write(batch, {}, bodies_.to_sync(files));
        store_.sync(written, [this](const spool::Tasks& tasks) { helpers_.run(tasks); });
        for (const auto& departure : written.committed.departures)
            bodies_.bury(departure.body);
    }

    Settings settings_;
    std::unique_ptr<spool::Directory> root_;
    spool::QueueStore store_;
    spool::BodyStore bodies_;
    spool::Helpers helpers_{4};
    std::unique_ptr<spool::BodyStore::Lease> lease_;
    std::optional<spool::SegmentWriter> writer_;
    std::string text_;
    std::vector<mail::QueueId> waiting_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: {} DIRECTORY [messages] [batch] [bytes]\n", argv[0]);
        return 64;
    }
    Settings settings;
    settings.directory = argv[1];
    if (argc > 2) settings.messages = std::strtoull(argv[2], nullptr, 10);
    if (argc > 3) settings.batch = std::strtoull(argv[3], nullptr, 10);
    if (argc > 4) settings.bytes = std::strtoull(argv[4], nullptr, 10);
    Bench(settings).run();
    return 0;
}
