// What QueueStore does at start and for check(): compares what the database says with what the disk
// holds.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "common/ipc/wire.h"
#include "spool/ledger/reader.h"
#include "spool/queue/arrival.h"
#include "spool/queue/queue_store.h"
#include "spool/queue/rows.h"

namespace veredus::spool {
namespace {

// Why a message is in none of the states it may be in, or is damaged; empty when it is well.
std::string complaint(const Found& found) {
    const auto* finding = finding_for(found);
    if (finding == nullptr) return "its recipients are in no state that its own state allows";
    // Of a commit whose bodies may never have come to the disk: recovery drops it.
    if (found.in_doubt) return {};
    if (found.body == BodyFound::kNotWhatArrived) {
        return fmt::format("{}: its body is not what arrived", finding->name);
    }
    return {};
}

}  // namespace

struct QueueStore::Stock {
    std::map<std::uint64_t, std::uint64_t> needed;  // file → messages
    std::map<std::uint64_t, std::uint64_t> ends;    // file → where its last message ends
    std::map<std::uint64_t, std::uint64_t> bytes;   // file → of its messages
    std::vector<BodyRow> in_doubt;
    Totals totals;
};

Recovered QueueStore::recover(BodyStore& bodies, std::chrono::microseconds expire) {
    // A process that was killed may have left commits that are in the WAL and not on disk. Nothing
    // may follow from them before they are: bodies that are needed no more go below.
    database_.sync();
    Recovered recovered;
    const auto unreadable = adopt(bodies, expire, recovered);
    const auto stock = take_stock();
    std::ranges::move(
        bodies.recover(stock.needed,
                       fresh_ ? BodyStore::Unneeded::kPutAside : BodyStore::Unneeded::kRemove,
                       unreadable),
        std::back_inserter(recovered.files));

    Transaction transaction(database_);
    const auto dropped = drop_bodiless(stock.in_doubt, bodies);
    mark_lost_bodies(bodies, stock.ends, recovered);
    // Nobody writes the segments of before any more: whatever else is in them was never accepted.
    Horizon horizon = horizon_;
    horizon.move(bodies.segments());
    write_mark(batch_, horizon);
    commit(transaction);
    horizon_ = std::move(horizon);
    durable_ = batch_;
    rows_on_disk_ = batch_;
    recovered.ledger = departing_.settle();

    recovered.totals = stock.totals;
    for (const auto& row : dropped) {
        recovered.dropped.push_back(row.id);
        recovered.totals.messages -= 1;
        recovered.totals.bytes -= row.body.length;
        bodies.drop_reference(row.body.file);
    }
    find_dead(bodies, stock.bytes);
    return recovered;
}

QueueStore::Stock QueueStore::take_stock() {
    Stock stock;
    auto select = database_.prepare(fmt::format("SELECT id, batch, {} FROM message", kBodyColumns));
    auto rows = select.query();
    while (rows.next()) {
        const auto body = body_from(rows, 2);
        ++stock.needed[body.file];
        stock.bytes[body.file] += body.length;
        auto& end = stock.ends[body.file];
        end = std::max(end, body.offset + body.length);
        stock.totals.messages += 1;
        stock.totals.bytes += body.length;
        if (rows.get<std::uint64_t>(1) > durable_)
            stock.in_doubt.push_back({mail::QueueId(rows.get<std::uint64_t>(0)), body});
    }
    return stock;
}

std::vector<QueueStore::BodyRow> QueueStore::drop_bodiless(const std::vector<BodyRow>& in_doubt,
                                                           BodyStore& bodies) {
    std::vector<BodyRow> dropped;
    std::vector<mail::BodyRef> kept;
    for (const auto& row : in_doubt) {
        const auto verified = bodies.verify(row.body);
        // A disk that cannot read tells nothing about whether the body was ever there.
        if (verified) kept.push_back(row.body);
        if (verified || verified.error().kind == BodyDamage::Kind::kUnreadable) continue;
        doors_.leave(row.id);  // without a story: it never was in the queue
        doors_.forget(row.id);
        dropped.push_back(row);
    }
    // Found whole, but perhaps in memory alone; once the mark has moved, they count as on disk.
    bodies.bring_to_disk(kept);
    return dropped;
}

// What was accepted when its segment was on disk, and whose rows a crash took: they are made anew,
// in doubt as rows are whose batch is beyond the mark. Answers which segments could not be read.
std::set<std::uint64_t> QueueStore::adopt(const BodyStore& bodies, std::chrono::microseconds expire,
                                          Recovered& recovered) {
    // A new database knows nothing of what has left.
    if (fresh_) return {};
    auto beyond = bodies.beyond(horizon_);
    // Nothing of it has left, unless the database is an older copy.
    std::set<mail::QueueId> ids;
    for (const auto& record : beyond.records)
        ids.insert(record.head.id);
    const auto left = LedgerReader(*ledger_).left(ids);
    ++batch_;
    Transaction transaction(database_);
    for (const auto& record : beyond.records) {
        if (!record.intact || left.contains(record.head.id)) continue;
        try {
            auto message = arrival_in(record, expire);
            const auto id = message.envelope.id;
            if (insert(message, batch_)) recovered.adopted.push_back(id);
        } catch (const ipc::ProtocolError& error) {
            recovered.files.push_back(
                {record.body.file, fmt::format("{}: its envelope cannot be read: {}",
                                               record.head.id.text(), error.what())});
        }
    }
    // Without rows there is nothing to commit, and a directory that is only looked at stays as it
    // is.
    if (!recovered.adopted.empty()) transaction.commit();
    return std::move(beyond.unreadable);
}

// What had died in segments that still have messages is known in memory alone.
void QueueStore::find_dead(BodyStore& bodies, const std::map<std::uint64_t, std::uint64_t>& bytes) {
    std::map<std::uint64_t, std::vector<mail::BodyRef>> living;
    for (const auto file : bodies.sparse_segments(bytes))
        living[file];
    if (living.empty()) return;
    auto select = database_.prepare(fmt::format("SELECT {} FROM message", kBodyColumns));
    auto rows = select.query();
    while (rows.next()) {
        const auto body = body_from(rows, 0);
        const auto segment = living.find(body.file);
        if (segment != living.end()) segment->second.push_back(body);
    }
    for (auto& [file, in_it] : living) {
        std::ranges::sort(in_it, {}, &mail::BodyRef::offset);
        bodies.only_living(file, in_it);
    }
}

// Damage that can be seen without reading every body: files that are gone or too short.
void QueueStore::mark_lost_bodies(const BodyStore& bodies,
                                  const std::map<std::uint64_t, std::uint64_t>& ends,
                                  Recovered& recovered) {
    auto select = database_.prepare(
        fmt::format("SELECT id, {} FROM message WHERE body_file = ?1", kBodyColumns));
    for (const auto& [file, end] : ends) {
        mail::BodyRef last;
        last.file = file;
        last.length = end;
        if (bodies.open(last)) continue;
        std::vector<std::pair<mail::QueueId, std::string>> lost;
        {
            auto rows = select.query(file);
            while (rows.next()) {
                const auto opened = bodies.open(body_from(rows, 1));
                if (opened) continue;
                lost.emplace_back(mail::QueueId(rows.get<std::uint64_t>(0)), opened.error().text);
            }
        }
        for (auto& [id, why] : lost) {
            if (!doors_.to_damaged(id, why)) continue;  // known already
            doors_.to_held(id);
            recovered.damaged.emplace_back(id, why);
        }
    }
}

std::map<std::uint64_t, std::uint64_t> QueueStore::needed_files() {
    std::map<std::uint64_t, std::uint64_t> needed;
    auto select = database_.prepare("SELECT body_file FROM message");
    auto rows = select.query();
    while (rows.next())
        ++needed[rows.get<std::uint64_t>(0)];
    return needed;
}

std::vector<std::pair<mail::QueueId, Found>> QueueStore::survey(const BodyStore& bodies) {
    std::vector<std::pair<mail::QueueId, Found>> messages;
    auto select = database_.prepare(
        fmt::format("SELECT id, state, batch, "
                    "(SELECT count(*) FROM recipient WHERE message = id AND state IN (1, 2, 3)), "
                    "(SELECT count(*) FROM recipient WHERE message = id AND state = 4), "
                    "(SELECT count(*) FROM recipient WHERE message = id), {} "
                    "FROM message ORDER BY id",
                    kBodyColumns));
    auto rows = select.query();
    while (rows.next()) {
        Found found;
        found.message = rows.get<MessageState>(1);
        found.in_doubt = rows.get<std::uint64_t>(2) > durable_;
        found.waiting_recipients = rows.get<std::uint64_t>(3) > 0;
        found.held_recipients = rows.get<std::uint64_t>(4) > 0;
        found.any_recipients = rows.get<std::uint64_t>(5) > 0;
        if (bodies.verify(body_from(rows, 6))) found.body = BodyFound::kIntact;
        messages.emplace_back(mail::QueueId(rows.get<std::uint64_t>(0)), found);
    }
    return messages;
}

std::vector<std::string> check_tables(Database& database) {
    auto findings = database.check();
    const auto each = [&](const std::string& sql, std::string_view text) {
        auto select = database.prepare(sql);
        auto rows = select.query();
        while (rows.next()) {
            findings.push_back(
                fmt::format("{}: {}", mail::QueueId(rows.get<std::uint64_t>(0)).text(), text));
        }
    };
    each("SELECT DISTINCT message FROM recipient WHERE message NOT IN (SELECT id FROM message)",
         "has recipients but no envelope");
    each(
        "SELECT id FROM message WHERE unfinished <> "
        "(SELECT count(*) FROM recipient WHERE message = id AND state <= 4)",
        "its count of unfinished recipients is wrong");
    each("SELECT id FROM message WHERE batch > (SELECT batch FROM mark)",
         "comes from a commit that is yet to be made");
    return findings;
}

std::vector<std::string> QueueStore::check(const BodyStore* bodies) {
    auto findings = check_tables(database_);
    if (bodies == nullptr) return findings;
    for (const auto& [id, found] : survey(*bodies)) {
        const auto text = complaint(found);
        if (!text.empty()) findings.push_back(fmt::format("{}: {}", id.text(), text));
    }
    return findings;
}

}  // namespace veredus::spool
