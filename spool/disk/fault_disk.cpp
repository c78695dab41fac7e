#include "spool/disk/fault_disk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "spool/disk/fault_node.h"

namespace veredus::spool {

struct FaultDisk::Entry {
    std::shared_ptr<Node> file;
    std::shared_ptr<Names> directory;
    bool empty() const { return file == nullptr && directory == nullptr; }
};

struct FaultDisk::Names {
    std::map<std::string, Entry, std::less<>> now;
    std::map<std::string, Entry, std::less<>> on_disk;
};

struct FaultDisk::NameChange {
    std::shared_ptr<Names> directory;
    std::string name;
    Entry entry;  // empty: the name goes

    void apply(std::map<std::string, Entry, std::less<>>& names) const {
        if (entry.empty()) {
            names.erase(name);
        } else {
            names[name] = entry;
        }
    }
};

class FaultDisk::OpenFile final : public File {
  public:
    OpenFile(FaultDisk& disk, std::string name, std::shared_ptr<Node> node)
        : disk_(disk), name_(std::move(name)), node_(std::move(node)) {
        ++node_->opened;
    }
    ~OpenFile() override { --node_->opened; }

    using File::write;

    std::size_t read(std::uint64_t offset, std::span<char> into) override {
        if (disk_.at_read_) disk_.at_read_();
        const std::lock_guard lock(disk_.mutex_);
        const auto& suffix = disk_.plan_.unreadable_suffix;
        if (disk_.power_is_lost_ || (!suffix.empty() && name_.ends_with(suffix))) {
            throw DiskError(EIO, "read", name_);
        }
        return node_->read(offset, into);
    }

    void write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
        std::string bytes;
        for (const auto piece : pieces)
            bytes += piece;
        const std::lock_guard lock(disk_.mutex_);
        const auto verdict = disk_.admit(Kind::kWrite, name_);
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t size = node_->size();
        if (end > size) disk_.require_room(end - size, name_);
        if (verdict == Verdict::kDoPartAndFail) bytes.resize(disk_.random_() % (bytes.size() + 1));
        node_->write(offset, bytes);
        finish(verdict, "write");
    }

    void copy_from(File& source, std::uint64_t source_offset, std::uint64_t length,
                   std::uint64_t offset) override {
        std::string bytes(length, '\0');
        if (source.read(source_offset, bytes) != length) {
            throw DiskError(EIO, "copy past the end of a file to", name_);
        }
        write(offset, std::string_view(bytes));
    }

    std::uint64_t size() override {
        const std::lock_guard lock(disk_.mutex_);
        return node_->size();
    }

    void truncate(std::uint64_t size) override {
        const std::lock_guard lock(disk_.mutex_);
        const auto verdict = disk_.admit(Kind::kTruncate, name_);
        if (verdict == Verdict::kDo || disk_.coin()) node_->truncate(size);
        finish(verdict, "truncate");
    }

    void sync() override {
        if (disk_.at_sync_) disk_.at_sync_();
        const std::lock_guard lock(disk_.mutex_);
        Verdict verdict{};
        try {
            verdict = disk_.admit(Kind::kSync, name_);
        } catch (const DiskError&) {
            node_->sync_failed();
            throw;
        }
        if (verdict == Verdict::kDo || disk_.coin()) node_->synced();
        finish(verdict, "sync");
    }

    bool try_lock(Lock, std::uint64_t, std::uint64_t) override { return true; }
    bool alone() override { return node_->opened == 1 && !node_->linked; }
    int descriptor() const override { return node_->descriptor; }
    const std::shared_ptr<Node>& node() const { return node_; }

  private:
    void finish(Verdict verdict, std::string_view operation) const {
        if (verdict == Verdict::kDoPartAndFail) throw DiskError(EIO, operation, name_);
    }

    FaultDisk& disk_;
    const std::string name_;
    const std::shared_ptr<Node> node_;
};

class FaultDisk::OpenDirectory final : public Directory {
  public:
    OpenDirectory(FaultDisk& disk, std::shared_ptr<Names> names)
        : disk_(disk), names_(std::move(names)) {}

    using Directory::rename;

    std::unique_ptr<File> open(std::string_view name, Access) override {
        const std::lock_guard lock(disk_.mutex_);
        const auto entry = find(name);
        if (entry.file == nullptr) return nullptr;
        return std::make_unique<OpenFile>(disk_, std::string(name), entry.file);
    }

    std::unique_ptr<File> create(std::string_view name) override {
        const std::lock_guard lock(disk_.mutex_);
        if (!find(name).empty()) return nullptr;
        disk_.require_room(0, name);
        Entry entry{std::make_shared<Node>(), nullptr};
        auto file = std::make_unique<OpenFile>(disk_, std::string(name), entry.file);
        change(Kind::kCreate, name, std::move(entry));
        return file;
    }

    std::unique_ptr<Directory> open_directory(std::string_view name) override {
        const std::lock_guard lock(disk_.mutex_);
        auto entry = find(name);
        if (entry.empty()) {
            entry.directory = std::make_shared<Names>();
            change(Kind::kMakeDirectory, name, entry);
            settle();
        }
        if (entry.directory == nullptr) throw DiskError(ENOTDIR, "open directory", name);
        return std::make_unique<OpenDirectory>(disk_, entry.directory);
    }

    bool exists(std::string_view name) override {
        const std::lock_guard lock(disk_.mutex_);
        return !find(name).empty();
    }

    std::vector<std::string> list() override {
        const std::lock_guard lock(disk_.mutex_);
        std::vector<std::string> names;
        for (const auto& [name, entry] : names_->now)
            names.push_back(name);
        return names;
    }

    void rename(std::string_view from, Directory& to_directory, std::string_view to) override {
        const std::lock_guard lock(disk_.mutex_);
        const auto entry = find(from);
        if (entry.empty()) throw DiskError(ENOENT, "rename", from);
        auto& target = dynamic_cast<OpenDirectory&>(to_directory);
        std::vector<NameChange> changes;
        changes.push_back({names_, std::string(from), {}});
        changes.push_back({target.names_, std::string(to), entry});
        disk_.change_names(Kind::kRename, std::move(changes));
    }

    bool unlink(std::string_view name) override {
        const std::lock_guard lock(disk_.mutex_);
        if (find(name).empty()) return false;
        change(Kind::kUnlink, name, {});
        return true;
    }

    bool link(File& file, std::string_view name) override {
        const std::lock_guard lock(disk_.mutex_);
        if (!find(name).empty()) return false;
        const auto* open = dynamic_cast<OpenFile*>(&file);
        if (open == nullptr) return false;
        change(Kind::kLink, name, {open->node(), nullptr});
        open->node()->linked = true;
        return true;
    }

    void sync() override {
        const std::lock_guard lock(disk_.mutex_);
        settle();
    }

    int descriptor() const override { return -1; }
    const std::shared_ptr<Names>& names() const { return names_; }

  private:
    Entry find(std::string_view name) const {
        const auto at = names_->now.find(name);
        return at == names_->now.end() ? Entry{} : at->second;
    }
    void settle() {
        const auto verdict = disk_.admit(Kind::kSyncDirectory, ".");
        if (verdict == Verdict::kDo || disk_.coin()) disk_.settle_names(names_.get());
        if (verdict == Verdict::kDoPartAndFail) throw DiskError(EIO, "sync directory", ".");
    }
    void change(Kind kind, std::string_view name, Entry entry) {
        std::vector<NameChange> changes;
        changes.push_back({names_, std::string(name), std::move(entry)});
        disk_.change_names(kind, std::move(changes));
    }

    FaultDisk& disk_;
    const std::shared_ptr<Names> names_;
};

FaultDisk::FaultDisk(std::uint64_t seed)
    : random_(seed),
      root_names_(std::make_shared<Names>()),
      root_(std::make_unique<OpenDirectory>(*this, root_names_)) {}

FaultDisk::~FaultDisk() = default;

Directory& FaultDisk::root() {
    return *root_;
}

void FaultDisk::set_plan(Plan plan) {
    const std::lock_guard lock(mutex_);
    plan_ = std::move(plan);
}

void FaultDisk::set_room(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    room_ = bytes;
}

std::uint64_t FaultDisk::operations() const {
    const std::lock_guard lock(mutex_);
    return log_.size();
}

bool FaultDisk::power_is_lost() const {
    const std::lock_guard lock(mutex_);
    return power_is_lost_;
}

std::vector<FaultDisk::Operation> FaultDisk::log() const {
    const std::lock_guard lock(mutex_);
    return log_;
}

std::string_view FaultDisk::name_of(Kind kind) {
    constexpr std::array<std::string_view, 9> kNames{"write",  "truncate", "sync",
                                                     "create", "mkdir",    "rename",
                                                     "unlink", "link",     "sync directory"};
    return kNames.at(static_cast<std::size_t>(kind));
}

FaultDisk::Verdict FaultDisk::admit(Kind kind, std::string_view name) {
    if (power_is_lost_) throw DiskError(EIO, name_of(kind), name);
    log_.push_back({kind, std::string(name)});
    if (plan_.fail_at == log_.size()) throw DiskError(plan_.fail_code, name_of(kind), name);
    if (plan_.cut_at != log_.size()) return Verdict::kDo;
    power_is_lost_ = true;
    return Verdict::kDoPartAndFail;
}

void FaultDisk::require_room(std::uint64_t more_bytes, std::string_view name) {
    if (!room_) return;
    std::set<const Node*> counted;
    std::uint64_t used = 0;
    std::vector<const Names*> open{root_names_.get()};
    while (!open.empty()) {
        const Names* names = open.back();
        open.pop_back();
        for (const auto& [text, entry] : names->now) {
            if (entry.directory != nullptr) open.push_back(entry.directory.get());
            if (entry.file != nullptr && counted.insert(entry.file.get()).second)
                used += entry.file->size();
        }
    }
    if (used + more_bytes > *room_) throw DiskError(ENOSPC, "write", name);
}

void FaultDisk::change_names(Kind kind, std::vector<NameChange> changes) {
    const auto verdict = admit(kind, changes.front().name);
    if (verdict == Verdict::kDo || coin()) {
        for (const auto& change : changes)
            change.apply(change.directory->now);
        pending_.push_back(changes);
    }
    if (verdict == Verdict::kDoPartAndFail)
        throw DiskError(EIO, name_of(kind), changes.front().name);
}

// Makes the pending changes in `directory` durable, and with them, in their order, earlier ones of
// the same names elsewhere; nothing else.
void FaultDisk::settle_names(const Names* directory) {
    std::set<std::pair<const Names*, std::string>> touched;
    std::vector<std::vector<NameChange>> settled;
    std::vector<std::vector<NameChange>> left;
    for (auto changes = pending_.rbegin(); changes != pending_.rend(); ++changes) {
        const bool taken = std::ranges::any_of(*changes, [&](const NameChange& change) {
            return change.directory.get() == directory ||
                   touched.contains({change.directory.get(), change.name});
        });
        if (taken) {
            for (const auto& change : *changes)
                touched.insert({change.directory.get(), change.name});
        }
        (taken ? settled : left).push_back(std::move(*changes));
    }
    for (auto changes = settled.rbegin(); changes != settled.rend(); ++changes) {
        for (const auto& change : *changes)
            change.apply(change.directory->on_disk);
    }
    std::ranges::reverse(left);
    pending_ = std::move(left);
}

// Copies what survives onto a new disk.
struct FaultDisk::Copier {
    using NameMap = std::map<std::string, Entry, std::less<>>;

    const FaultDisk& from;
    Loss loss;
    std::map<const Names*, NameMap> names{};  // of directories changed since their sync
    std::map<const Node*, std::shared_ptr<Node>>
        copied_files{};  // a file with two names stays one file

    void choose_names() {
        if (loss != Loss::kRandom) return;
        const auto kept = from.random_() % (from.pending_.size() + 1);
        for (std::size_t i = 0; i < kept; ++i) {
            for (const auto& change : from.pending_[i]) {
                auto& map = names.try_emplace(change.directory.get(), change.directory->on_disk)
                                .first->second;
                change.apply(map);
            }
        }
    }

    const NameMap& surviving_names(const Names& directory) const {
        if (loss == Loss::kNothingSoFar) return directory.now;
        const auto chosen = names.find(&directory);
        return chosen == names.end() ? directory.on_disk : chosen->second;
    }

    std::string surviving_bytes(const Node& node) const {
        if (loss == Loss::kAllUnsynced) return node.on_disk;
        const std::string now = node.contents();
        if (loss == Loss::kNothingSoFar) return now;
        auto& random = from.random_;
        const auto [shorter, longer] = std::minmax({node.on_disk.size(), now.size()});
        const std::array sizes{node.on_disk.size(), now.size(),
                               shorter + random() % (longer - shorter + 1)};
        std::string bytes(sizes[random() % sizes.size()], '\0');
        for (std::uint64_t start = 0; start < bytes.size(); start += kSector) {
            const auto length = std::min(kSector, bytes.size() - start);
            const std::string before = sector_of(node.on_disk, start, length);
            const std::string after = sector_of(now, start, length);
            // Not at all, wholly, or torn: so far and no further.
            const std::array<std::uint64_t, 3> written{0, length, random() % (length + 1)};
            const auto n = written[random() % written.size()];
            bytes.replace(start, length, after.substr(0, n) + before.substr(n));
        }
        return bytes;
    }

    std::shared_ptr<Names> copy(const Names& directory) {
        auto result = std::make_shared<Names>();
        for (const auto& [name, entry] : surviving_names(directory)) {
            Entry copied;
            if (entry.directory != nullptr) {
                copied.directory = copy(*entry.directory);
            } else {
                auto& file = copied_files[entry.file.get()];
                const bool second = file != nullptr;
                if (!second) file = std::make_shared<Node>(surviving_bytes(*entry.file));
                file->linked = second;
                copied.file = file;
            }
            result->now[name] = copied;
        }
        result->on_disk = result->now;
        return result;
    }
};

std::unique_ptr<FaultDisk> FaultDisk::after(Loss loss) const {
    const std::lock_guard lock(mutex_);
    auto disk = std::make_unique<FaultDisk>(random_());
    Copier copier{*this, loss};
    copier.choose_names();
    disk->root_names_ = copier.copy(*root_names_);
    disk->root_ = std::make_unique<OpenDirectory>(*disk, disk->root_names_);
    return disk;
}

void FaultDisk::flip_bit(Directory& directory, std::string_view name, std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    const auto& names = dynamic_cast<OpenDirectory&>(directory).names()->now;
    const auto entry = names.find(name);
    if (entry == names.end() || entry->second.file == nullptr)
        throw DiskError(ENOENT, "flip a bit of", name);
    Node& node = *entry->second.file;
    char byte = 0;
    if (node.read(offset, std::span(&byte, 1)) != 1) throw DiskError(EINVAL, "flip a bit of", name);
    byte = static_cast<char>(byte ^ 0x10);
    node.write(offset, std::string_view(&byte, 1));
    if (offset < node.on_disk.size()) node.on_disk[offset] = byte;
}

}  // namespace veredus::spool
