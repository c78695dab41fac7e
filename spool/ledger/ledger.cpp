#include "spool/ledger/ledger.h"

#include <algorithm>
#include <array>

namespace veredus::spool {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::string_view kDayShape = "0000-00-00";

// Whether `end`, within the file, is the beginning of a line.
bool begins_line(File& file, std::uint64_t end) {
    char before = '\n';
    if (end > 0) file.read(end - 1, std::span(&before, 1));
    return before == '\n';
}

}  // namespace

std::string ledger_file_name(std::string_view day) {
    return std::string(day) += kSuffix;
}

std::string_view ledger_day(std::string_view file_name) {
    if (!file_name.ends_with(kSuffix)) return {};
    const auto day = file_name.substr(0, file_name.size() - kSuffix.size());
    const bool good = std::ranges::equal(day, kDayShape, [](char c, char shape) {
        return shape == '0' ? c >= '0' && c <= '9' : c == shape;
    });
    return good ? day : std::string_view();
}

// The name is durable from the beginning, whoever made it: so a file's own sync is enough later.
std::shared_ptr<File> Ledger::open(const std::string& day, bool make) {
    const auto found = open_.find(day);
    if (found != open_.end()) return found->second;
    const auto name = ledger_file_name(day);
    std::shared_ptr<File> file = directory_->open(name, Access::kReadWrite);
    if (!file && make) file = directory_->create(name);
    if (!file) return nullptr;
    directory_->sync();
    open_[day] = file;
    return file;
}

// A line that somebody left without its end is ended before the next one begins.
std::uint64_t Ledger::end_of(const std::string& day) {
    const auto file = open(day, false);
    if (!file) return 0;
    const auto size = file->size();
    return begins_line(*file, size) ? size : size + 1;
}

void Ledger::write(const std::string& day, std::uint64_t offset, std::string_view lines) {
    const auto file = open(day, true);
    const auto at = std::min(offset, file->size());
    const std::array<std::string_view, 2> pieces{begins_line(*file, at) ? "" : "\n", lines};
    file->write(at, pieces);
}

Ledger::SyncSet Ledger::to_sync() {
    SyncSet set;
    for (const auto& [day, file] : open_)
        set.files_.push_back(file);
    // A day that is over needs its file no more.
    while (open_.size() > 1)
        open_.erase(open_.begin());
    return set;
}

bool Ledger::SyncSet::run() const {
    try {
        for (const auto& file : files_)
            file->sync();
        return true;
    } catch (const DiskError&) {
        return false;
    }
}

std::size_t Ledger::remove_before(std::string_view day) {
    std::size_t removed = 0;
    for (const auto& name : directory_->list()) {
        const auto its_day = ledger_day(name);
        if (its_day.empty() || its_day >= day) continue;
        open_.erase(std::string(its_day));
        directory_->unlink(name);
        ++removed;
    }
    if (removed > 0) directory_->sync();
    return removed;
}

}  // namespace veredus::spool
