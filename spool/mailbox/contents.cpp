// Messages' bytes: storing, delivering, reading.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/mail/imap_structure.h"
#include "common/mail/mime.h"
#include "spool/body/record.h"
#include "spool/mailbox/bodies.h"
#include "spool/mailbox/change.h"
#include "spool/mailbox/statements.h"

namespace veredus::spool {
namespace {

// A part of a file as memory, for as long as the object lives.
class Mapping {
  public:
    Mapping(const File& file, std::uint64_t offset, std::uint64_t length) {
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        const std::uint64_t start = offset / page * page;
        length_ = length + (offset - start);
        memory_ = ::mmap(nullptr, length_, PROT_READ, MAP_PRIVATE, file.descriptor(),
                         static_cast<off_t>(start));
        if (memory_ == MAP_FAILED) throw DiskError(errno, "map", "a message");
        bytes_ = {static_cast<const char*>(memory_) + (offset - start), length};
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { ::munmap(memory_, length_); }
    std::string_view bytes() const { return bytes_; }

  private:
    void* memory_ = nullptr;
    std::size_t length_ = 0;
    std::string_view bytes_;
};

MessageStructure structure_of(std::string_view bytes) {
    const auto message = mail::parse_message(bytes);
    return {.envelope = mail::envelope(message),
            .body = mail::body_structure(message, false),
            .body_structure = mail::body_structure(message, true)};
}

std::string joined(const std::vector<std::string>& keywords) {
    std::string out;
    for (const auto& keyword : keywords)
        (out += out.empty() ? "" : " ") += keyword;
    return out;
}

MessageRow row_for(const NewMail& mail, std::uint64_t size) {
    return {.uid = 0,
            .flags = mail.flags,
            .modseq = 0,
            .internal_date_us = mail.internal_date_us,
            .zone_minutes = mail.zone_minutes,
            .size = size,
            .content = 0,
            .keywords = joined(mail.keywords)};
}

}  // namespace

mail::BodyRef body_ref_of(const Cursor& row) {
    mail::BodyRef out{.file = row.get<std::uint64_t>(0),
                      .offset = row.get<std::uint64_t>(1),
                      .length = row.get<std::uint64_t>(2),
                      .digest = {}};
    const auto digest = row.get<Blob>(3).bytes;
    if (digest.size() == out.digest.size()) std::ranges::copy(digest, out.digest.begin());
    return out;
}

mail::BodyRef MailboxStore::write_single(const NewMail& mail) {
    const auto lease = bodies_.create_single(now_us_());
    SingleFileWriter writer(lease->open_for_writing(), lease->file());
    writer.write(mail.text);
    std::string block;
    constexpr std::uint64_t kBlock = 256 * 1024;
    for (std::uint64_t done = 0; done < mail.length;) {
        block.resize(std::min(kBlock, mail.length - done));
        const auto got = mail.file->read(mail.offset + done, block);
        if (got == 0) throw DiskError(EIO, "read", "the message that was handed over");
        writer.write(std::string_view(block).substr(0, got));
        done += got;
    }
    const auto body = writer.finish();
    lease->claim(body);
    return body;
}

// The bytes as one more record of the segment that is being filled.
mail::BodyRef MailboxStore::write_record(mail::QueueId id, std::string_view bytes) {
    for (;;) {
        if (!segment_) {
            lease_ = bodies_.create_segment(now_us_());
            segment_ =
                std::make_unique<SegmentWriter>(lease_->open_for_writing(), lease_->file(),
                                                lease_->start(), SegmentWriter::Growth::kByRecord);
        }
        const auto body = segment_->append(id, "", bytes);
        if (body) {
            lease_->claim(*body);
            return *body;
        }
        segment_.reset();
        lease_.reset();
    }
}

MailboxStore::Written MailboxStore::write(mail::QueueId id, const NewMail& mail) {
    if (mail.text.size() + mail.length > kSingleFileThreshold) {
        Written out(bodies_, write_single(mail));
        const auto file = bodies_.open(out.body);
        if (!file) throw DiskError(EIO, "open", file.error().text);
        out.structure = structure_of(Mapping(**file, out.body.offset, out.body.length).bytes());
        return out;
    }
    std::string bytes(mail.text);
    if (mail.file != nullptr) {
        bytes.resize(mail.text.size() + mail.length);
        const auto rest = std::span(bytes).subspan(mail.text.size());
        if (mail.file->read(mail.offset, rest) != mail.length)
            throw DiskError(EIO, "read", "the message that was handed over");
    }
    Written out(bodies_, write_record(id, bytes));
    out.structure = structure_of(bytes);
    return out;
}

void MailboxStore::sync_bodies(std::span<const Written> written) {
    std::vector<std::uint64_t> files;
    for (const auto& one : written)
        files.push_back(one.body.file);
    std::ranges::sort(files);
    files.erase(std::ranges::unique(files).begin(), files.end());
    if (!bodies_.to_sync(files).run().empty()) {
        segment_.reset();
        lease_.reset();
        throw DiskError(EIO, "sync", "the message's file");
    }
}

std::int64_t MailboxStore::insert_content(const Written& written) {
    const auto& body = written.body;
    statements_->insert_content.run(body.file, body.offset, body.length, Blob{body.digest},
                                    written.structure.envelope, written.structure.body,
                                    written.structure.body_structure);
    return database_.last_insert_rowid();
}

std::vector<std::uint32_t> MailboxStore::append(std::int64_t mailbox,
                                                std::span<const NewMail> mails) {
    std::vector<Written> written;
    for (const auto& mail : mails)
        written.push_back(write(mail::QueueId::make(now_us_(), 0), mail));
    sync_bodies(written);
    std::vector<std::uint32_t> uids;
    Change change(*this);
    for (std::size_t i = 0; i < mails.size(); ++i)
        uids.push_back(insert_message(mailbox, insert_content(written[i]),
                                      row_for(mails[i], written[i].body.length)));
    keep(written);
    change.commit();
    return uids;
}

void MailboxStore::deliver(std::span<const Delivery> deliveries) {
    std::vector<Written> written;
    std::vector<const Delivery*> fresh;
    for (const auto& delivery : deliveries) {
        const bool twice_here = std::ranges::any_of(fresh, [&](const auto* other) {
            return other->id == delivery.id && other->recipient == delivery.recipient;
        });
        if (twice_here ||
            statements_->was_delivered.query(delivery.id.value(), delivery.recipient).next())
            continue;
        written.push_back(write(delivery.id, delivery.mail));
        fresh.push_back(&delivery);
    }
    if (fresh.empty()) return;
    sync_bodies(written);
    const auto inbox = find("INBOX").value().id;
    Change change(*this);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        insert_message(inbox, insert_content(written[i]),
                       row_for(fresh[i]->mail, written[i].body.length));
        statements_->insert_delivered.run(fresh[i]->id.value(), fresh[i]->recipient, now_us_());
    }
    keep(written);
    change.commit();
}

MessageStructure MailboxStore::structure(std::int64_t content) {
    auto row = statements_->structure.query(content);
    if (!row.next()) return {};
    return {.envelope = row.get<std::string>(0),
            .body = row.get<std::string>(1),
            .body_structure = row.get<std::string>(2)};
}

std::expected<StoredMessage, std::string> MailboxStore::open(std::int64_t content) {
    mail::BodyRef body;
    {
        auto row = statements_->body.query(content);
        if (!row.next()) return std::unexpected("the message has been expunged");
        body = body_ref_of(row);
    }
    if (auto good = bodies_.verify(body); !good) return std::unexpected(good.error().text);
    auto file = bodies_.open(body);
    if (!file) return std::unexpected(file.error().text);
    return StoredMessage(std::move(*file), body.offset, body.length);
}

std::string StoredMessage::read(std::uint64_t offset, std::uint64_t length) const {
    if (offset >= length_) return {};
    std::string out(std::min(length, length_ - offset), '\0');
    out.resize(file_->read(offset_ + offset, out));
    return out;
}

}  // namespace veredus::spool
