#include "spool/body/empty_files.h"

#include <utility>

#include "spool/body/body_file.h"

namespace veredus::spool {

void EmptyFiles::found(std::string_view name) {
    if (!name.ends_with(kSuffix)) return;
    if (!parse_body_file_name(name.substr(0, name.size() - kSuffix.size()))) return;
    try {
        if (names_.size() >= most_) {
            directory_.unlink(name);
            return;
        }
        const auto file = directory_.open(name, Access::kReadWrite);
        if (file == nullptr) return;
        if (file->size() > 0) file->truncate(0);
        names_.emplace_back(name);
    } catch (const DiskError&) {
        return;  // nobody needs it
    }
}

bool EmptyFiles::keep(std::string_view name) {
    if (names_.size() >= most_) return false;
    const auto file = directory_.open(name, Access::kReadWrite);
    if (file == nullptr || !file->alone()) return false;
    file->truncate(0);
    std::string kept(name);
    kept += kSuffix;
    directory_.rename(name, kept);
    names_.push_back(std::move(kept));
    return true;
}

std::unique_ptr<File> EmptyFiles::take(std::string_view name) {
    while (!names_.empty()) {
        const auto kept = std::move(names_.back());
        names_.pop_back();
        auto file = directory_.open(kept, Access::kReadWrite);
        if (file == nullptr) continue;  // somebody has cleaned up
        directory_.rename(kept, name);
        return file;
    }
    return nullptr;
}

}  // namespace veredus::spool
