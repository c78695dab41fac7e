#include "spool/queue/departing.h"

#include <algorithm>

namespace veredus::spool {
namespace {

// Bytes written before they are synced: some thousand messages. Until then queue.db has them too.
constexpr std::uint64_t kSyncAfter = 1 << 20;

}  // namespace

Departing::Departing(Database& database, std::unique_ptr<Directory> ledger)
    : ledger_(std::move(ledger)),
      insert_(database.prepare(
          "INSERT INTO departing (number, day, offset, lines) VALUES (?1, ?2, ?3, ?4)")),
      remove_(database.prepare("DELETE FROM departing WHERE number <= ?1")),
      select_(
          database.prepare("SELECT number, day, offset, lines FROM departing ORDER BY number")) {}

void Departing::begin() {
    lines_.clear();
    last_left_us_ = 0;
}

void Departing::add(const Story& story) {
    compose(story, lines_);
    last_left_us_ = std::max(last_left_us_, story.left_us);
}

Departing::Place Departing::place_for(std::int64_t at_us) {
    Place place{day_of(at_us), 0};
    const auto known = ends_.find(place.day);
    place.offset = known == ends_.end() ? ledger_.end_of(place.day) : known->second;
    return place;
}

void Departing::note_end(const Place& place, std::uint64_t length) {
    auto& end = ends_[place.day];
    end = std::max(end, place.offset + length);
}

void Departing::store() {
    const std::lock_guard lock(mutex_);
    removing_ = synced_;
    if (removing_ > removed_) remove_.run(removing_);
    if (lines_.empty()) return;
    place_ = place_for(last_left_us_);
    insert_.run(last_ + 1, place_.day, place_.offset, lines_);
}

void Departing::committed(std::uint64_t batch) {
    const std::lock_guard lock(mutex_);
    removed_ = removing_;
    if (lines_.empty()) return;
    ++last_;
    note_end(place_, lines_.size());
    unpublished_.push_back({batch, place_, std::move(lines_)});
    lines_.clear();
}

void Departing::publish(std::uint64_t batch) {
    const std::lock_guard lock(mutex_);
    for (; !unpublished_.empty() && unpublished_.front().batch <= batch; unpublished_.pop_front()) {
        const auto& line = unpublished_.front();
        ++published_;
        if (behind_) continue;
        try {
            ledger_.write(line.place.day, line.place.offset, line.text);
            unsynced_ += line.text.size();
        } catch (const DiskError&) {
            behind_ = true;
        }
    }
}

Departing::ToSync Departing::to_sync() {
    const std::lock_guard lock(mutex_);
    if (behind_ || unsynced_ < kSyncAfter) return {};
    unsynced_ = 0;
    ++syncing_;
    return {ledger_.to_sync(), published_};
}

// After one that failed no other counts: the system tells of a lost write only once.
void Departing::synced(const ToSync& set, bool good) {
    if (set.files.empty()) return;
    const std::lock_guard lock(mutex_);
    --syncing_;
    if (!good) behind_ = true;
    if (!behind_) synced_ = std::max(synced_, set.up_to);
}

bool Departing::settled() {
    const std::lock_guard lock(mutex_);
    return !behind_ && removed_ == last_;
}

std::optional<std::string> Departing::settle() {
    const std::lock_guard lock(mutex_);
    if (syncing_ > 0 || (!behind_ && removed_ == last_)) return std::nullopt;
    if (behind_) {
        if (auto trouble = write_again()) return trouble;
    }
    behind_ = !ledger_.to_sync().run();
    if (behind_) return "the ledger's files cannot be synced";
    unsynced_ = 0;
    remove_.run(last_);
    published_ = synced_ = removing_ = removed_ = last_;
    return std::nullopt;
}

// All places are noted, whatever the disk says.
std::optional<std::string> Departing::write_again() {
    std::optional<std::string> trouble;
    auto rows = select_.query();
    while (rows.next()) {
        const auto lines = rows.get<std::string_view>(3);
        const Place place{rows.get<std::string>(1), rows.get<std::uint64_t>(2)};
        last_ = std::max(last_, rows.get<std::uint64_t>(0));
        note_end(place, lines.size());
        if (trouble) continue;
        try {
            ledger_.write(place.day, place.offset, lines);
        } catch (const DiskError& error) {
            trouble = error.what();
        }
    }
    return trouble;
}

void Departing::forget(std::int64_t before_us) {
    const std::lock_guard lock(mutex_);
    ledger_.remove_before(day_of(before_us));
}

}  // namespace veredus::spool
