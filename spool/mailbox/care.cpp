// The store at rest: starting, giving back space, looking for damage, mending.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "spool/body/record.h"
#include "spool/mailbox/bodies.h"
#include "spool/mailbox/change.h"
#include "spool/mailbox/statements.h"

namespace veredus::spool {
namespace {

// How long a delivery is remembered, so that the queue may ask again: longer than any message
// waits.
constexpr std::int64_t kDeliveriesKept_us = 30LL * 24 * 3600 * 1'000'000;
// Segments below this size are put together, once there are so many.
constexpr std::uint64_t kSmallSegment = 1024 * 1024;
constexpr std::size_t kSmallSegmentsKept = 16;
constexpr std::uint64_t kRecordOverhead = 200;  // bytes between two messages, about
constexpr std::string_view kPutAsideSuffix = ".orphan";
constexpr std::string_view kSegmentPutAside = ".segment.orphan";
constexpr std::string_view kRecovered = "Recovered";

}  // namespace

// Every file that a message needs must be there; what no message needs was never acknowledged.
void MailboxStore::recover_bodies(bool database_is_new) {
    std::map<std::uint64_t, std::uint64_t> needed;
    {
        auto statement = database_.prepare("SELECT file, count(*) FROM content GROUP BY file");
        auto rows = statement.query();
        while (rows.next())
            needed[rows.get<std::uint64_t>(0)] = rows.get<std::uint64_t>(1);
    }
    const auto unneeded =
        database_is_new ? BodyStore::Unneeded::kPutAside : BodyStore::Unneeded::kRemove;
    for (auto& fault : bodies_.recover(needed, unneeded))
        found_at_start_.push_back(std::move(fault.text));
    database_.prepare("DELETE FROM delivered WHERE at_us < ?1").run(now_us_() - kDeliveriesKept_us);
}

// Groups of messages whose files are to be freed by writing them anew: each sparse segment, and all
// small ones together (every run of a user's process leaves one).
std::vector<MailboxStore::Group> MailboxStore::groups_to_rewrite() {
    std::vector<Group> out;
    Group small;
    std::size_t small_files = 0;
    auto select = database_.prepare(
        "SELECT file, sum(length), count(*) FROM content GROUP BY file HAVING max(length) <= ?1");
    auto living = database_.prepare(
        "SELECT file, offset, length, digest, id FROM content WHERE file = ?1 ORDER BY offset");
    auto files = select.query(kSingleFileThreshold);
    while (files.next()) {
        const auto file = files.get<std::uint64_t>(0);
        if (lease_ && lease_->file() == file) continue;  // still being filled
        const auto opened = bodies_.open({.file = file});
        if (!opened) continue;
        const auto size = (*opened)->size();
        const auto needed =
            files.get<std::uint64_t>(1) + kRecordOverhead * files.get<std::uint64_t>(2);
        const bool is_small = size < kSmallSegment;
        if (!is_small && needed >= size / 2) continue;
        Group sparse;
        Group& group = is_small ? small : sparse;
        auto rows = living.query(file);
        while (rows.next())
            group.emplace_back(rows.get<std::int64_t>(4), body_ref_of(rows));
        if (is_small)
            ++small_files;
        else
            out.push_back(std::move(sparse));
    }
    if (small_files >= kSmallSegmentsKept) out.push_back(std::move(small));
    return out;
}

bool MailboxStore::compact() {
    const auto groups = groups_to_rewrite();
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (rewrite(groups[i])) return i + 1 < groups.size();
    }
    return false;
}

// A file goes with its last message. What is damaged stays where it is, to be seen. False if there
// is nothing else.
bool MailboxStore::rewrite(const Group& group) {
    std::vector<Written> written;
    std::vector<std::pair<std::int64_t, std::uint64_t>> moved;  // row of content, file it leaves
    for (const auto& [content, body] : group) {
        const auto text = bodies_.read(body);
        if (!text) continue;
        written.emplace_back(bodies_, write_record(mail::QueueId::make(now_us_(), 0), *text));
        moved.emplace_back(content, body.file);
    }
    if (moved.empty()) return false;
    sync_bodies(written);
    Change change(*this);
    auto update = database_.prepare("UPDATE content SET file = ?2, offset = ?3 WHERE id = ?1");
    for (std::size_t i = 0; i < written.size(); ++i) {
        update.run(moved[i].first, written[i].body.file, written[i].body.offset);
        change.drops_body_in(moved[i].second);
    }
    keep(written);
    change.commit();
    return true;
}

std::vector<std::string> MailboxStore::check() {
    auto out = database_.check();
    auto contents = database_.prepare("SELECT file, offset, length, digest, id FROM content");
    auto places = database_.prepare(
        "SELECT name, uid FROM message JOIN mailbox ON mailbox.id = mailbox WHERE content = ?1");
    auto rows = contents.query();
    while (rows.next()) {
        const auto good = bodies_.verify(body_ref_of(rows));
        auto places_of = places.query(rows.get<std::int64_t>(4));
        if (!places_of.next()) {
            out.push_back(fmt::format("content {} is in no mailbox", rows.get<std::int64_t>(4)));
        } else if (!good) {
            out.push_back(fmt::format("{}, UID {}: {}", places_of.get<std::string_view>(0),
                                      places_of.get<std::uint32_t>(1), good.error().text));
        }
    }
    auto beyond = database_.prepare(
        "SELECT name FROM mailbox WHERE uid_next <="
        " (SELECT coalesce(max(uid), 0) FROM message WHERE mailbox = mailbox.id)"
        " OR highest_modseq <"
        " (SELECT coalesce(max(modseq), 0) FROM message WHERE mailbox = mailbox.id)");
    auto names = beyond.query();
    while (names.next())
        out.push_back(names.get<std::string>(0) + ": its counters are behind its messages");
    return out;
}

std::vector<std::string> MailboxStore::repair() {
    std::vector<std::string> done;
    const auto directory = directory_->open_directory("body");
    for (const auto& name : directory->list()) {
        if (!name.ends_with(kPutAsideSuffix)) continue;
        const auto found = take_in(name);
        directory->unlink(name);
        done.push_back(fmt::format("{}: {} messages, now in {}", name, found, kRecovered));
    }
    return done;
}

// The messages of a file that was put aside, but for those that are in the store already. Answers
// how many.
std::size_t MailboxStore::take_in(std::string_view orphan) {
    const auto file = directory_->open_directory("body")->open(orphan, Access::kRead);
    if (file == nullptr) return 0;
    std::vector<NewMail> mails;
    if (orphan.ends_with(kSegmentPutAside)) {
        auto known = database_.prepare("SELECT 1 FROM content WHERE digest = ?1");
        std::set<mail::Digest> seen;
        for (const auto& record : find_records(*file, 0)) {
            if (!record.intact || !seen.insert(record.body.digest).second) continue;
            if (known.query(Blob{record.body.digest}).next()) continue;
            mails.push_back({.file = file.get(),
                             .offset = record.body.offset,
                             .length = record.body.length,
                             .internal_date_us = record.head.arrival_us});
        }
    } else {
        mails.push_back(
            {.file = file.get(), .length = length_of_single(*file), .internal_date_us = now_us_()});
    }
    if (mails.empty()) return 0;
    auto mailbox = find(kRecovered);
    if (!mailbox || !mailbox->selectable) mailbox = create(kRecovered).value();
    subscribe(kRecovered, true);
    return append(mailbox->id, mails).size();
}

}  // namespace veredus::spool
