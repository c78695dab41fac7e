#include "spool/queue/repair.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/ipc/wire.h"
#include "common/mail/header.h"
#include "spool/body/record.h"
#include "spool/ledger/reader.h"
#include "spool/queue/arrival.h"
#include "spool/queue/queue_store.h"
#include "spool/queue/rows.h"
#include "spool/queue/salvage.h"
#include "spool/queue/schema.h"

namespace veredus::spool {

namespace {

constexpr std::size_t kHeaderMost = 256 * 1024;

// A message that was found in a file.
struct FoundMail {
    mail::QueueId id;
    std::string reverse_path;
    mail::BodyRef body;
    std::optional<NewMessage> sealed;  // what its envelope says, where that stands behind it
};

FoundMail found_in(const FoundRecord& record) {
    FoundMail out{record.head.id, record.head.reverse_path, record.body, std::nullopt};
    try {
        if (!record.envelope.empty()) out.sealed = arrival_in(record, QueueStore::kExpire);
    } catch (const ipc::ProtocolError&) {
        // Of a version that is not known: as good as none.
    }
    return out;
}

// The id that we gave it stands in the first Received field, which is ours.
std::optional<mail::QueueId> id_in(const mail::Header& header) {
    const std::string value = header.value("Received");
    for (std::size_t at = 0; (at = value.find(" id ", at)) != value.npos; at += 4) {
        if (const auto id = mail::QueueId::parse(value.substr(at + 4, mail::QueueId::kTextLength)))
            return id;
    }
    return std::nullopt;
}

std::string head_of(File& file, const mail::BodyRef& body) {
    std::string head(std::min<std::uint64_t>(body.length, kHeaderMost), '\0');
    head.resize(file.read(body.offset, head));
    return head;
}

}  // namespace

class Repair {
  public:
    Repair(Directory& spool, const RepairOptions& options)
        : spool_(spool), options_(options), directory_(spool.open_directory("body")) {}

    std::vector<std::string> run() {
        open_database();
        take_orphans_back();
        BodyStore bodies(spool_.open_directory("body"));
        bodies.recover(store_->needed_files(), BodyStore::Unneeded::kLeave);
        Transaction transaction(store_->database_);
        find_recipients_without_envelope();
        survey(bodies);
        search_files();
        adopt_unknown();
        give_up_what_is_lost();
        set_counts_right();
        // What is in all these files has been looked at: nothing is left to adopt.
        if (all_files_are_loose_)
            database()
                .prepare("UPDATE mark SET newest_file = ?1, open_segments = ''")
                .run(bodies.segments().newest);
        for (const auto& [number, file] : moved_to_)
            file->sync();
        transaction.commit();
        store_->database_.sync();
        return std::move(done_);
    }

  private:
    template <class... Args>
    void done(fmt::format_string<Args...> text, Args&&... args) {
        done_.push_back(fmt::format(text, std::forward<Args>(args)...));
    }
    Doors& doors() { return store_->doors_; }
    Database& database() { return store_->database_; }

    void open_database() {
        const bool was_there = spool_.exists(kQueueDatabase);
        std::string damage;
        try {
            store_ = std::make_unique<QueueStore>(spool_);
            const auto findings = store_->database_.check();
            if (!findings.empty()) damage = findings.front();
        } catch (const DatabaseError& error) {
            if (!error.damaged()) throw;
            damage = error.what();
        }
        if (damage.empty()) {
            all_files_are_loose_ = !was_there;
            if (!was_there) done("queue.db was gone: a new one is made");
            return;
        }
        store_.reset();
        const std::string aside = fmt::format("queue.db.damaged-{}", options_.now_us);
        for (const std::string_view part : {"-wal", ""}) {
            const auto name = std::string(kQueueDatabase) + std::string(part);
            if (spool_.exists(name)) spool_.rename(name, aside + std::string(part));
        }
        spool_.sync();
        store_ = std::make_unique<QueueStore>(spool_);
        all_files_are_loose_ = true;
        done("the queue's database was damaged ({}): it is kept as {}", damage, aside);
        read_what_can_be_read(aside);
    }

    void read_what_can_be_read(const std::string& aside) {
        try {
            Database damaged(spool_, aside);
            const auto salvaged = salvage(damaged, store_->database_);
            done("{} messages with {} recipients are taken over from it{}", salvaged.messages,
                 salvaged.recipients, salvaged.complete ? "" : "; others could not be read");
        } catch (const DatabaseError& error) {
            done("nothing can be read of it: {}", error.what());
        }
        auto mark = store_->database_.prepare("SELECT durable FROM mark");
        auto row = mark.query();
        if (row.next()) store_->batch_ = store_->durable_ = row.get<std::uint64_t>(0);
    }

    void take_orphans_back() {
        for (const auto& name : directory_->list()) {
            if (!name.ends_with(kOrphanSuffix)) continue;
            const auto old = name.substr(0, name.size() - kOrphanSuffix.size());
            const auto file = parse_body_file_name(old);
            if (!file || directory_->exists(old)) continue;
            directory_->rename(name, old);
            loose_.insert(file->number);
            done("body/{} is looked through and has its old name again", name);
        }
        directory_->sync();
    }

    void find_recipients_without_envelope() {
        database().execute(
            "DELETE FROM recipient WHERE message IN (SELECT message FROM recipient "
            "WHERE message NOT IN (SELECT id FROM message) "
            "GROUP BY message HAVING sum(state <= 4) = 0)");
        auto select = database().prepare(
            "SELECT message, sum(state <= 4), sum(state = 4) FROM recipient "
            "WHERE message NOT IN (SELECT id FROM message) GROUP BY message");
        auto rows = select.query();
        while (rows.next())
            without_envelope_[mail::QueueId(rows.get<std::uint64_t>(0))] = {
                rows.get<std::uint64_t>(1), rows.get<bool>(2)};
    }

    // States that contradict each other are mended at once, bodies are looked for later.
    void survey(const BodyStore& bodies) {
        for (const auto& [id, found] : store_->survey(bodies)) {
            if (!mend_state(id, found)) continue;
            if (found.body != BodyFound::kIntact)
                lost_[id] = found.in_doubt;
            else if (found.message == MessageState::kDamaged)
                hold_again(id, "its body is whole again");
        }
    }

    // False when it has left.
    bool mend_state(mail::QueueId id, const Found& found) {
        const bool unfinished = found.waiting_recipients || found.held_recipients;
        const bool kept = found.message != MessageState::kQueued;
        if (!found.any_recipients) {
            const std::string why = "its recipients were lost; released, it goes to the postmaster";
            doors().to_ready(id, 1, postmaster());
            keep(id, why);
            done("{}: {}", id.text(), why);
        } else if (!unfinished) {
            doors().leave(id);
            doors().forget(id);
            done("{}: all its recipients had been served; it has left the queue", id.text());
            return false;
        } else if (found.held_recipients && (found.waiting_recipients || !kept)) {
            keep(id, "some of its recipients were held, some were not");
            done("{}: some of its recipients were held, some were not; all are held", id.text());
        } else if (kept && found.waiting_recipients) {
            doors().to_held(id);
            done("{}: it was held and its recipients were not; now they are", id.text());
        }
        return true;
    }

    void keep(mail::QueueId id, const std::string& why) {
        doors().to_held(id, why);  // stays as it is where it is held or damaged
        doors().to_held(id);
    }
    void hold_again(mail::QueueId id, const std::string& why) {
        doors().to_queued(id);
        keep(id, why);
        done("{}: {}; it is held, and may be released", id.text(), why);
    }
    Recipient postmaster() const {
        Recipient out;
        out.address = options_.postmaster;
        out.destination = out.address.substr(out.address.rfind('@') + 1);
        out.next_attempt_us = options_.now_us;
        return out;
    }

    void search_files() {
        for (const auto& name : directory_->list()) {
            const auto body_file = parse_body_file_name(name);
            if (!body_file) continue;
            const auto number = body_file->number;
            const bool loose = loose_.contains(number) || all_files_are_loose_;
            if (!loose && lost_.empty() && without_envelope_.empty()) continue;
            const auto file = directory_->open(name, Access::kRead);
            if (file == nullptr) continue;
            if (body_file->kind == BodyKind::kSegment) {
                for (const auto& record : find_records(*file, number)) {
                    if (record.intact) found(found_in(record), loose);
                }
            } else if (loose || !lost_.empty()) {
                found(single(*file, number), loose);
            }
        }
    }

    // A file of one message says nothing but the message.
    static FoundMail single(File& file, std::uint64_t number) {
        const auto length = length_of_single(file);
        FoundMail out{.id = {},
                      .reverse_path = {},
                      .body = {number, 0, length, digest_of(file, 0, length)},
                      .sealed = std::nullopt};
        const auto head = head_of(file, out.body);
        const auto any = static_cast<std::uint16_t>(out.body.digest[0] << 8 | out.body.digest[1]);
        out.id = id_in(mail::Header::scan(head))
                     .value_or(mail::QueueId::make(static_cast<std::int64_t>(number), any));
        return out;
    }

    void found(FoundMail mail, bool loose) {
        if (lost_.contains(mail.id)) {
            if (!belongs_to_row(mail)) return;
            lost_.erase(mail.id);
            found_again(mail);
        } else if (const auto its = without_envelope_.find(mail.id);
                   its != without_envelope_.end()) {
            give_envelope(mail, its->second);
            without_envelope_.erase(its);
        } else if (loose && !store_->show_without_recipients(mail.id)) {
            unknown_.insert_or_assign(mail.id, std::move(mail));
        }
    }

    bool belongs_to_row(const FoundMail& mail) {
        const auto row = store_->show_without_recipients(mail.id);
        return row && row->envelope.body.digest == mail.body.digest;
    }

    void found_again(const FoundMail& mail) {
        auto move = database().prepare(
            "UPDATE message SET body_file = ?2, body_offset = ?3, "
            "body_sealed = ?4 WHERE id = ?1");
        move.run(mail.id.value(), mail.body.file, mail.body.offset, mail.body.sealed);
        bring_to_disk(mail.body);
        const auto row = store_->show_without_recipients(mail.id);
        if (row && row->state == MessageState::kDamaged)
            hold_again(mail.id, "its body was found again");
        else
            done("{}: its body was found again in body file {:016x}", mail.id.text(),
                 mail.body.file);
    }

    struct Unaddressed {
        std::uint64_t unfinished = 0;
        bool held = false;
    };

    Envelope envelope_of(const FoundMail& mail) {
        Envelope envelope = mail.sealed ? mail.sealed->envelope : Envelope();
        envelope.expires_us =
            options_.now_us + std::chrono::microseconds(QueueStore::kExpire).count();
        if (mail.sealed) {
            bring_to_disk(mail.body);
            return envelope;
        }
        envelope.id = mail.id;
        envelope.reverse_path = mail.reverse_path;
        envelope.body = mail.body;
        envelope.body_type = mail::BodyType::kEightBitMime;
        envelope.client.name = "veredus spool repair";
        const auto head = head_of(bring_to_disk(mail.body), mail.body);
        envelope.message_id = mail::Header::scan(head).value("Message-ID");
        return envelope;
    }

    void give_envelope(const FoundMail& mail, const Unaddressed& recipients) {
        doors().to_queued(envelope_of(mail), store_->durable_, recipients.unfinished);
        if (recipients.held) keep(mail.id, "its envelope was lost");
        done("{}: its envelope was lost and is made anew; its recipients were there",
             mail.id.text());
    }

    // What has left is in the ledger; what is not may never have been delivered.
    void adopt_unknown() {
        std::set<mail::QueueId> ids;
        for (const auto& [id, mail] : unknown_)
            ids.insert(id);
        const auto ledger = spool_.open_directory("ledger");
        const auto left = LedgerReader(*ledger).left(ids);
        for (const auto& [id, mail] : unknown_) {
            if (left.contains(id)) continue;
            adopt(mail);
        }
    }

    void adopt(const FoundMail& mail) {
        const auto recipients =
            mail.sealed ? mail.sealed->recipients : std::vector<Recipient>{postmaster()};
        // Nobody knows to whom of those in an envelope it has gone already.
        const auto why = fmt::format(
            "found in body file {:016x} {}", mail.body.file,
            mail.sealed ? "with its envelope; released, it goes to all its recipients, also to "
                          "those who have it"
                        : "without its envelope: nobody knows its recipients; released, it goes to "
                          "the postmaster");
        doors().to_queued(envelope_of(mail), store_->durable_, recipients.size());
        std::uint32_t number = 0;
        for (const auto& recipient : recipients)
            doors().to_ready(mail.id, ++number, recipient);
        keep(mail.id, why);
        done("{}: {}", mail.id.text(), why);
    }

    void give_up_what_is_lost() {
        for (const auto [id, in_doubt] : lost_) {
            if (in_doubt) continue;  // recovery drops what was never acknowledged
            const auto row = store_->show_without_recipients(id);
            if (!row || row->state == MessageState::kDamaged) continue;
            doors().to_damaged(id, "its body is not what arrived, and was not found elsewhere");
            doors().to_held(id);
            done("{}: its body is not what arrived, and was not found elsewhere; it is damaged",
                 id.text());
        }
        for (const auto& [id, recipients] : without_envelope_) {
            std::string who;
            auto select = database().prepare("SELECT address FROM recipient WHERE message = ?1");
            auto rows = select.query(id.value());
            while (rows.next())
                who += (who.empty() ? "" : ", ") + rows.get<std::string>(0);
            done("{}: neither its envelope nor its body is anywhere; it was for {}", id.text(),
                 who);
        }
        for (const auto& [id, recipients] : without_envelope_) {
            database().prepare("DELETE FROM recipient WHERE message = ?1").run(id.value());
            doors().forget(id);
        }
        database().execute("DELETE FROM history WHERE message NOT IN (SELECT id FROM message)");
    }

    void set_counts_right() {
        const auto wrong = database()
                               .prepare(
                                   "UPDATE message SET unfinished = "
                                   "(SELECT count(*) FROM recipient "
                                   "WHERE message = id AND state <= 4) "
                                   "WHERE unfinished <> (SELECT count(*) FROM recipient "
                                   "WHERE message = id AND state <= 4)")
                               .run();
        if (wrong != 0) done("{} counts of unfinished recipients were wrong", wrong);
        const auto ahead = database()
                               .prepare(
                                   "UPDATE mark SET batch = (SELECT max(batch) FROM message) "
                                   "WHERE batch < (SELECT max(batch) FROM message)")
                               .run();
        if (ahead != 0) done("the mark of the last commit was behind");
    }

    // It was read, perhaps from memory alone; once the row says so it counts as on disk.
    File& bring_to_disk(const mail::BodyRef& body) {
        auto& file = moved_to_[body.file];
        if (file == nullptr)
            file = open_body_file(*directory_, body.file, Access::kReadWrite).first;
        if (file == nullptr) throw DiskError(ENOENT, "open", fmt::format("{:016x}", body.file));
        write_again(*file, body.offset, end_of_record(body));
        return *file;
    }

    Directory& spool_;
    const RepairOptions& options_;
    const std::unique_ptr<Directory> directory_;
    std::unique_ptr<QueueStore> store_;
    std::vector<std::string> done_;
    bool all_files_are_loose_ = false;  // the database cannot know of all files
    std::set<std::uint64_t> loose_;     // files it did not know
    std::map<std::uint64_t, std::unique_ptr<File>> moved_to_;
    // Messages whose bodies are not where they should be, and whether they ever were.
    std::map<mail::QueueId, bool> lost_;
    std::map<mail::QueueId, Unaddressed> without_envelope_;
    std::map<mail::QueueId, FoundMail> unknown_;
};

std::vector<std::string> repair_spool(Directory& spool, const RepairOptions& options) {
    return Repair(spool, options).run();
}

}  // namespace veredus::spool
