#include "daemons/mailboxd/imap/wire.h"

#include <array>
#include <utility>

namespace veredus::mailboxd::imap {

namespace {

constexpr std::array<std::pair<wire::SystemFlag, spool::Flags>, 5> kFlags{{
    {wire::SystemFlag::kAnswered, spool::kAnswered},
    {wire::SystemFlag::kFlagged, spool::kFlagged},
    {wire::SystemFlag::kDeleted, spool::kDeleted},
    {wire::SystemFlag::kSeen, spool::kSeen},
    {wire::SystemFlag::kDraft, spool::kDraft},
}};

constexpr std::int64_t kMicroseconds = 1'000'000;

}  // namespace

spool::Flags to_store(std::uint8_t system_flags) {
    spool::Flags flags = 0;
    for (const auto& [here, there] : kFlags) {
        if ((system_flags & wire::bit(here)) != 0) flags |= there;
    }
    return flags;
}

std::vector<std::string> split_keywords(std::string_view keywords) {
    std::vector<std::string> result;
    while (!keywords.empty()) {
        const auto end = std::min(keywords.find(' '), keywords.size());
        if (end > 0) result.emplace_back(keywords.substr(0, end));
        keywords.remove_prefix(std::min(end + 1, keywords.size()));
    }
    return result;
}

std::string flags_text(spool::Flags flags, std::string_view keywords, bool recent) {
    std::uint8_t system = 0;
    for (const auto& [here, there] : kFlags) {
        if ((flags & there) != 0) system |= wire::bit(here);
    }
    return wire::flags_text(system, split_keywords(keywords), recent ? "\\Recent" : "");
}

wire::InternalDate internal_date(const spool::MessageRow& row) {
    std::int64_t seconds = row.internal_date_us / kMicroseconds;
    if (row.internal_date_us % kMicroseconds < 0) --seconds;
    return {seconds, static_cast<std::int16_t>(row.zone_minutes)};
}

}  // namespace veredus::mailboxd::imap
