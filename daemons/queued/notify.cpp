#include "daemons/queued/notify.h"
#include "common/mail/address.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/mail/date.h"
#include "common/mail/priority.h"
#include "daemons/queued/router.h"
#include "spool/body/record.h"

namespace veredus::queued {

namespace {

constexpr std::int64_t kSecond_us = 1'000'000;
// Of the original, at most this much goes back.
constexpr std::uint64_t kMostReturned = 128 * 1024;

}  // namespace

// The message as it stands, or its beginning with its header; empty if the disk does not give what
// arrived.
std::string Notifier::original(const spool::Envelope& about) const {
    if (!bodies_.verify(about.body)) return {};
    const auto file = bodies_.open(about.body);
    if (!file) return {};
    std::string out(std::min(about.body.length, kMostReturned), '\0');
    out.resize((*file)->read(about.body.offset, out));
    return out;
}

mail::BodyRef Notifier::write(mail::QueueId id, std::string_view message) {
    if (message.size() > spool::kSingleFileThreshold) {
        const auto lease = bodies_.create_single(world_.now_us());
        spool::SingleFileWriter writer(lease->open_for_writing(), lease->file());
        writer.write(message);
        const auto body = writer.finish();
        if (!lease->claim(body)) throw spool::DiskError(EIO, "write", "a notification");
        return body;
    }
    for (;;) {
        if (!segment_) {
            lease_ = bodies_.create_segment(world_.now_us());
            segment_ = std::make_unique<spool::SegmentWriter>(
                lease_->open_for_writing(), lease_->file(), lease_->start(),
                spool::SegmentWriter::Growth::kByRecord);
        }
        // Refused when the segment is full, or when its last sync failed.
        const auto body = segment_->append(id, "", message);
        if (body && lease_->claim(*body)) return *body;
        segment_.reset();
        lease_.reset();
    }
}

std::optional<spool::NewMessage> Notifier::notify(const config::Config& config,
                                                  const spool::Envelope& about,
                                                  std::vector<mail::ReportedRecipient> recipients) {
    if (recipients.empty()) return std::nullopt;
    const bool of_notification = about.reverse_path.empty();
    const bool failure = recipients.front().action == mail::Action::kFailed;
    // A notification that fails is told to the postmaster (RFC 3461 6.2); of one to the postmaster
    // nobody is told.
    if (of_notification && (!failure || about.about == about.id)) return std::nullopt;

    const auto now = world_.now_us();
    const auto id = world_.new_id();
    const bool full =
        failure && about.ret == mail::Ret::kFull && about.body.length <= kMostReturned;
    const std::string bytes = original(about);
    mail::DeliveryReport report;
    report.reporting_mta = config.hostname;
    report.message_id = "<" + id.text() + "@" + config.hostname + ">";
    report.date = mail::local_time(now / kSecond_us);
    report.reverse_path =
        of_notification ? "postmaster@" + config.domains.front() : about.reverse_path;
    report.envelope_id = about.envelope_id;
    report.queue_id = about.id.text();
    report.arrival = mail::local_time(about.id.arrival_us() / kSecond_us);
    report.recipients = std::move(recipients);
    report.ret = full ? mail::ReturnContent::kFull : mail::ReturnContent::kHeaders;
    report.original = bytes;
    const std::string message = mail::compose_delivery_status(report);

    spool::NewMessage out;
    out.envelope.id = id;
    out.envelope.body_type = mail::BodyType::kEightBitMime;
    out.envelope.body = write(id, message);
    out.envelope.client = {.name = config.hostname,
                           .address = "local",
                           .protocol = "internal",
                           .auth_user = {},
                           .tls = {}};
    out.envelope.message_id = report.message_id;
    out.envelope.priority = mail::kPriorityOfNotices;
    out.envelope.expires_us =
        now + std::chrono::duration_cast<std::chrono::microseconds>(config.queue.expire).count();
    out.envelope.delay_noticed = true;
    // To the postmaster: about itself, so that its own failure ends the chain.
    out.envelope.about = of_notification ? id : about.id;
    spool::Recipient recipient;
    recipient.address = report.reverse_path;
    recipient.destination = mail::domain_of(report.reverse_path);
    recipient.notify = mail::kNotifyNever;
    recipient.next_attempt_us = now;
    out.recipients.push_back(std::move(recipient));
    return out;
}

}  // namespace veredus::queued
