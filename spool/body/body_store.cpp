#include "spool/body/body_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/mail/digest.h"
#include "spool/body/record.h"

namespace veredus::spool {
namespace {

// Only the disk's own word is damage; that descriptors or memory have run out says nothing of it.
std::unexpected<BodyDamage> unreadable(const DiskError& error) {
    if (error.code() != EIO) throw error;
    return std::unexpected(BodyDamage{BodyDamage::Kind::kUnreadable, error.what()});
}

std::unexpected<BodyDamage> too_short(const std::string& name, File& file,
                                      const mail::BodyRef& body) {
    return std::unexpected(BodyDamage{
        BodyDamage::Kind::kShort, fmt::format("{} ends at {}, before the message's last byte at {}",
                                              name, file.size(), body.offset + body.length)});
}

std::unexpected<BodyDamage> not_what_arrived(const mail::BodyRef& body) {
    return std::unexpected(
        BodyDamage{BodyDamage::Kind::kWrongDigest,
                   fmt::format("the {} bytes at {} of body file {:016x} are not those that arrived",
                               body.length, body.offset, body.file)});
}

BodyDamage gone(std::uint64_t file) {
    return {BodyDamage::Kind::kMissing, fmt::format("body file {:016x} is gone", file)};
}

// The bytes of a file that is long enough, against their digest.
std::expected<void, BodyDamage> verify_file(File& file, const mail::BodyRef& body) {
    try {
        if (digest_of(file, body.offset, body.length) == body.digest) return {};
    } catch (const DiskError& error) {
        return unreadable(error);
    }
    return not_what_arrived(body);
}

}  // namespace

struct BodyStore::BodyFile {
    BodyFileName name;
    std::shared_ptr<File> file;  // open while somebody may write it
    std::uint64_t references = 0;
    bool leased = false;
    std::uint64_t kept_open = 0;  // so many times
    DeadRanges dead;              // of a segment
    // Both set by a SyncSet's tasks on their own threads.
    std::atomic<bool> name_durable = false;
    std::atomic<bool> broken = false;  // a sync failed
};

BodyStore::Lease::Lease(BodyStore& store, std::shared_ptr<BodyFile> file, std::uint64_t start,
                        const SegmentKey& key)
    : store_(store), file_(std::move(file)), start_(start), key_(key) {
    file_->leased = true;
    if (kind() == BodyKind::kSegment) store_.open_segments_.push_back(file_->name.number);
}

BodyStore::Lease::~Lease() {
    file_->leased = false;
    file_->file = nullptr;
    store_.close_when_done(*file_);
    store_.remove_when_unneeded(*file_);
}

std::uint64_t BodyStore::Lease::file() const {
    return file_->name.number;
}

BodyKind BodyStore::Lease::kind() const {
    return file_->name.kind;
}

std::unique_ptr<File> BodyStore::Lease::open_for_writing() const {
    const auto name = name_of(file_->name);
    auto file = store_.directory_->open(name, Access::kWrite);
    if (file == nullptr) throw DiskError(ENOENT, "open", name);
    return file;
}

bool BodyStore::Lease::claim(const mail::BodyRef& body) {
    const std::uint64_t end = end_of_record(body);
    if (body.file != file() || file_->broken) return false;
    if (body.offset < start_ || end < body.offset) return false;
    if (end > written_) written_ = file_->file->size();
    if (end > written_) return false;
    const auto next = claimed_.lower_bound(body.offset);
    if (next != claimed_.end() && (next->first < end || next->first == body.offset)) return false;
    if (next != claimed_.begin() && std::prev(next)->second > body.offset) return false;
    claimed_.emplace_hint(next, body.offset, end);
    ++file_->references;
    return true;
}

void BodyStore::SyncSet::begin() {
    for (const auto& item : files_)
        item.file->begin_sync();
}

bool BodyStore::SyncSet::begin_helps() const {
    const auto in_segment = [](const Item& item) {
        return item.body->name.kind == BodyKind::kSegment;
    };
    return !files_.empty() && std::ranges::all_of(files_, in_segment);
}

void BodyStore::SyncSet::add_to(Tasks& tasks) {
    for (auto& item : files_)
        tasks.emplace_back([this, &item] { sync_file(item); });
    if (std::ranges::any_of(files_, [](const Item& item) { return !item.body->name_durable; }))
        tasks.emplace_back([this] { sync_names(); });
}

void BodyStore::SyncSet::sync_file(Item& item) const {
    item.synced = false;
    // What a failed sync did not write, a later one takes for written.
    if (item.body->broken) return;
    try {
        item.file->sync();
        item.synced = true;
    } catch (const DiskError&) {
        item.body->broken = true;
    }
}

void BodyStore::SyncSet::sync_names() {
    names_synced_ = false;
    try {
        directory_->sync();
        names_synced_ = true;
        for (const auto& item : files_)
            item.body->name_durable = true;
    } catch (const DiskError&) {
        for (const auto& item : files_) {
            if (!item.body->name_durable) item.body->broken = true;
        }
    }
}

std::vector<std::uint64_t> BodyStore::SyncSet::failed() const {
    std::vector<std::uint64_t> failed;
    for (const auto& item : files_) {
        const bool named = names_synced_ || item.body->name_durable;
        if (!item.synced || !named) failed.push_back(item.body->name.number);
    }
    return failed;
}

std::vector<std::uint64_t> BodyStore::SyncSet::run() {
    Tasks tasks;
    add_to(tasks);
    one_by_one(tasks);
    return failed();
}

BodyStore::BodyStore(std::unique_ptr<Directory> directory, std::size_t keep)
    : directory_(std::move(directory)), empty_(*directory_, keep) {}

BodyStore::~BodyStore() = default;

std::vector<BodyFileFault> BodyStore::recover(const std::map<std::uint64_t, std::uint64_t>& needed,
                                              Unneeded unneeded,
                                              const std::set<std::uint64_t>& unreadable) {
    std::vector<BodyFileFault> faults;
    for (const auto& text : directory_->list()) {
        const auto name = parse_body_file_name(text);
        if (!name && unneeded == Unneeded::kRemove) empty_.found(text);
        if (!name) continue;  // not ours; somebody put it there
        last_number_ = std::max(last_number_, name->number);
        const auto references = needed.find(name->number);
        const bool damaged = unreadable.contains(name->number);
        if (references == needed.end()) {
            if (unneeded == Unneeded::kRemove && !damaged) {
                directory_->unlink(text);
            } else if (unneeded != Unneeded::kLeave) {
                directory_->rename(text, text + std::string(kOrphanSuffix));
                const auto why = damaged ? "cannot be read" : "is not in the database";
                faults.push_back({name->number, fmt::format("{} {}; put aside", text, why)});
            }
            continue;
        }
        if (damaged)
            faults.push_back(
                {name->number,
                 fmt::format("{} cannot be read; mail that was accepted in the last moments before "
                             "the stop may stand in it",
                             text)});
        auto file = std::make_shared<BodyFile>();
        file->name = *name;
        file->references = references->second;
        file->name_durable = true;
        files_.emplace(name->number, std::move(file));
    }
    // The names found may owe their place to memory alone; from here on they are counted on.
    directory_->sync();
    for (const auto& [number, references] : needed) {
        last_number_ = std::max(last_number_, number);
        if (files_.contains(number)) continue;
        faults.push_back({number, fmt::format("body file {:016x} with {} messages is gone", number,
                                              references)});
    }
    return faults;
}

BodyStore::Beyond BodyStore::beyond(const Horizon& horizon) const {
    Beyond out;
    for (const auto& text : directory_->list()) {
        const auto name = parse_body_file_name(text);
        if (!name || name->kind != BodyKind::kSegment) continue;
        const auto from = horizon.in(name->number);
        if (!from) continue;
        try {
            const auto file = directory_->open(text, Access::kRead);
            if (file == nullptr) continue;
            const auto header = read_segment_header(*file);
            if (!header || !header->key) continue;  // nothing in it is sealed
            for (auto& record : find_records(*file, name->number, *from)) {
                if (!record.envelope.empty()) out.records.push_back(std::move(record));
            }
        } catch (const DiskError& error) {
            if (error.code() != EIO) throw;
            out.unreadable.insert(name->number);
        }
    }
    std::ranges::sort(out.records, {}, [](const FoundRecord& record) {
        return std::pair(record.body.file, record.body.offset);
    });
    return out;
}

std::unique_ptr<BodyStore::Lease> BodyStore::create_segment(std::int64_t now_us) {
    return create(BodyKind::kSegment, now_us);
}

std::unique_ptr<BodyStore::Lease> BodyStore::create_single(std::int64_t now_us) {
    return create(BodyKind::kSingle, now_us);
}

std::unique_ptr<BodyStore::Lease> BodyStore::create(BodyKind kind, std::int64_t now_us) {
    last_number_ = std::max(last_number_ + 1, static_cast<std::uint64_t>(now_us));
    auto file = std::make_shared<BodyFile>();
    file->name = {last_number_, kind};
    const auto name = name_of(file->name);
    if (kind == BodyKind::kSingle) file->file = empty_.take(name);
    if (file->file == nullptr) file->file = directory_->create(name);
    if (file->file == nullptr) throw DiskError(EEXIST, "create", name);
    std::uint64_t start = 0;
    SegmentKey key{};
    if (kind == BodyKind::kSegment) {
        key = new_segment_key();
        const auto header = encode_segment_header({last_number_, now_us, key});
        file->file->write(0, std::string_view(header));
        start = header.size();
    }
    files_.emplace(last_number_, file);
    return std::make_unique<Lease>(*this, std::move(file), start, key);
}

void BodyStore::keep_open(std::uint64_t segment) {
    ++files_.at(segment)->kept_open;
}

// Nobody may need it any more, and it be gone.
void BodyStore::let_close(std::uint64_t segment) {
    const auto at = files_.find(segment);
    if (at == files_.end()) return;
    --at->second->kept_open;
    close_when_done(*at->second);
}

void BodyStore::close_when_done(const BodyFile& file) {
    if (!file.leased && file.kept_open == 0) std::erase(open_segments_, file.name.number);
}

BodyStore::SyncSet BodyStore::to_sync(std::span<const std::uint64_t> files) const {
    SyncSet set;
    set.directory_ = directory_.get();
    set.segments_ = segments();
    for (const auto number : files) {
        const auto& body = files_.at(number);
        if (std::ranges::find(set.files_, body, &SyncSet::Item::body) != set.files_.end()) continue;
        auto file = body->file;
        // Its writer has gone; a new descriptor syncs as well and learns of errors nobody was told
        // of yet.
        if (file == nullptr) file = directory_->open(name_of(body->name), Access::kRead);
        if (file == nullptr) throw DiskError(ENOENT, "sync", name_of(body->name));
        set.files_.push_back({body, std::move(file)});
    }
    return set;
}

void BodyStore::bring_to_disk(std::span<const mail::BodyRef> bodies) {
    std::map<std::uint64_t, std::unique_ptr<File>> written;
    for (const auto& body : bodies) {
        auto& file = written[body.file];
        const auto name = name_of(files_.at(body.file)->name);
        if (file == nullptr) file = directory_->open(name, Access::kReadWrite);
        if (file == nullptr) throw DiskError(ENOENT, "write", name);
        write_again(*file, body.offset, end_of_record(body));
    }
    for (const auto& [number, file] : written)
        file->sync();
}

void BodyStore::drop_reference(std::uint64_t file) {
    const auto at = files_.find(file);
    if (at == files_.end()) return;  // was missing at start
    --at->second->references;
    remove_when_unneeded(*at->second);
}

void BodyStore::bury(const mail::BodyRef& body) {
    const auto at = files_.find(body.file);
    if (at == files_.end()) return;  // was missing at start
    if (at->second->name.kind == BodyKind::kSegment)
        at->second->dead.add(body.offset, end_of_record(body));
    drop_reference(body.file);
}

BodyStore::Compaction BodyStore::to_compact(std::uint64_t worth) {
    Compaction compaction;
    compaction.directory_ = directory_.get();
    for (const auto& [number, file] : files_) {
        if (file->dead.fresh() >= worth)
            compaction.files_.push_back({name_of(file->name), file->dead.take()});
    }
    return compaction;
}

std::string BodyStore::Compaction::run() const {
    std::string trouble;
    for (const auto& [name, ranges] : files_) {
        try {
            const auto file = directory_->open(name, Access::kWrite);
            if (file == nullptr) continue;  // the last message has left
            for (const auto& range : ranges)
                file->punch(range.start, range.end);
        } catch (const DiskError& error) {
            trouble = error.what();
        }
    }
    return trouble;
}

std::vector<std::uint64_t> BodyStore::sparse_segments(
    const std::map<std::uint64_t, std::uint64_t>& bytes) const {
    std::vector<std::uint64_t> sparse;
    for (const auto& [number, living] : bytes) {
        const auto at = files_.find(number);
        if (at == files_.end() || at->second->name.kind != BodyKind::kSegment) continue;
        const auto file = directory_->open(name_of(at->second->name), Access::kRead);
        if (file != nullptr && file->allocated() > living + living / 4 + kWorthGivingBack)
            sparse.push_back(number);
    }
    return sparse;
}

void BodyStore::only_living(std::uint64_t number, std::span<const mail::BodyRef> living) {
    auto& body = *files_.at(number);
    const auto file = directory_->open(name_of(body.name), Access::kRead);
    if (file == nullptr) return;
    std::uint64_t end = 0;
    for (const auto& one : living) {
        // The line of its record stays before it, and an end of line before that.
        const auto head = one.offset - std::min<std::uint64_t>(one.offset, kLongestHead);
        if (head > end) body.dead.add(end, head);
        end = std::max({end, end_of_record(one), one.offset + one.length + kRecordEnd.size()});
    }
    if (file->size() > end) body.dead.add(end, file->size());
}

void BodyStore::remove_when_unneeded(const BodyFile& file) {
    if (file.leased || file.references > 0) return;
    // `file` may be the map's own object: its name is needed until the last line.
    const auto name = file.name;
    try {
        const bool kept = name.kind == BodyKind::kSingle && empty_.keep(name_of(name));
        if (!kept) directory_->unlink(name_of(name));
    } catch (const DiskError&) {
        return;  // recover() finds it at the next start and tries again
    }
    files_.erase(name.number);
}

std::expected<std::unique_ptr<File>, BodyDamage> BodyStore::open(const mail::BodyRef& body) const {
    using enum BodyDamage::Kind;
    const auto at = files_.find(body.file);
    if (at == files_.end()) {
        return std::unexpected(gone(body.file));
    }
    const auto name = name_of(at->second->name);
    try {
        auto file = directory_->open(name, Access::kRead);
        if (file == nullptr) return std::unexpected(BodyDamage{kMissing, name + " is gone"});
        if (file->size() < body.offset + body.length) return too_short(name, *file, body);
        return file;
    } catch (const DiskError& error) {
        return unreadable(error);
    }
}

std::expected<std::string, BodyDamage> BodyStore::read(const mail::BodyRef& body) const {
    // A segment that is still written is open already.
    const auto at = files_.find(body.file);
    std::shared_ptr<File> file = at == files_.end() ? nullptr : at->second->file;
    if (file == nullptr) {
        auto opened = open(body);
        if (!opened) return std::unexpected(std::move(opened.error()));
        file = std::move(*opened);
    }
    try {
        std::string bytes(body.length, '\0');
        const auto n = file->read(body.offset, bytes);
        if (n < bytes.size()) return too_short(name_of(at->second->name), *file, body);
        if (mail::digest_of(bytes) == body.digest) return bytes;
    } catch (const DiskError& error) {
        return unreadable(error);
    }
    return not_what_arrived(body);
}

std::expected<void, BodyDamage> BodyStore::verify(const mail::BodyRef& body) const {
    auto file = open(body);
    if (!file) return std::unexpected(std::move(file.error()));
    return verify_file(**file, body);
}

std::expected<void, BodyDamage> BodyStore::verify_in(Directory& directory,
                                                     const mail::BodyRef& body) {
    const auto [file, name] = open_body_file(directory, body.file, Access::kRead);
    if (file == nullptr) return std::unexpected(gone(body.file));
    if (file->size() < body.offset + body.length) return too_short(name, *file, body);
    return verify_file(*file, body);
}

BodyStore::Usage BodyStore::usage() const {
    Usage usage;
    for (const auto& [number, file] : files_) {
        const auto open = directory_->open(name_of(file->name), Access::kRead);
        if (open == nullptr) continue;
        ++usage.files;
        usage.bytes += open->allocated();
    }
    return usage;
}

}  // namespace veredus::spool
