#include "spool/ledger/reader.h"

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "common/mail/json.h"
#include "spool/ledger/ledger.h"
#include "spool/ledger/search.h"

namespace veredus::spool {
namespace {

constexpr std::size_t kPiece = 1 << 20;  // read at a time: stays in the processor's cache
constexpr std::int64_t kDay_us = 86'400'000'000;

std::string_view without_brackets(std::string_view text) {
    const bool bracketed = text.size() > 2 && text.starts_with('<') && text.ends_with('>');
    return bracketed ? text.substr(1, text.size() - 2) : text;
}

// As it stands within a string of the ledger.
std::string escaped(std::string_view text) {
    std::string quoted;
    mail::append_json_string(text, quoted);
    return quoted.substr(1, quoted.size() - 2);
}

// The complete lines of a file in which a text occurs, the last first, until `take` says no.
class HitsBackwards {
  public:
    HitsBackwards(File& file, const TextSearch& search) : file_(file), search_(search) {}

    bool visit(const std::function<bool(std::string_view line)>& take) {
        auto size = kPiece;
        for (auto end = end_of_lines(); end > 0;) {
            const auto begin = end - std::min<std::uint64_t>(end, size);
            const auto piece = read(begin, end);
            // The first line of a piece has its beginning in the one before.
            const auto first = begin == 0 ? 0 : piece.find('\n') + 1;
            if (begin > 0 && first == piece.size()) {
                size *= 2;
                continue;
            }
            if (!visit_piece(piece.substr(first), take)) return false;
            end = begin + first;
            size = kPiece;
        }
        return true;
    }

  private:
    std::string_view read(std::uint64_t begin, std::uint64_t end) {
        buffer_.resize(end - begin);
        if (file_.read(begin, buffer_) != buffer_.size())
            throw DiskError(EIO, "read", "the ledger: it has become shorter");
        return buffer_;
    }

    // What follows the last line end is no line yet.
    std::uint64_t end_of_lines() {
        for (auto end = file_.size(); end > 0;) {
            const auto begin = end - std::min<std::uint64_t>(end, kPiece);
            const auto last = read(begin, end).rfind('\n');
            if (last != std::string_view::npos) return begin + last + 1;
            end = begin;
        }
        return 0;
    }

    bool visit_piece(std::string_view piece, const auto& take) {
        std::vector<std::string_view> lines;
        for (std::size_t at = 0; (at = search_.find(piece, at)) != std::string_view::npos;) {
            const auto begin = piece.rfind('\n', at) + 1;
            const auto end = piece.find('\n', at);
            lines.push_back(piece.substr(begin, end - begin));
            at = end;
        }
        return std::ranges::all_of(lines | std::views::reverse, take);
    }

    File& file_;
    const TextSearch& search_;
    std::string buffer_;
};

}  // namespace

bool Wanted::matches(const Story& story) const {
    if (story.id.arrival_us() < since_us) return false;
    if (const auto id = mail::QueueId::parse(text))
        if (story.id == *id || story.about == *id) return true;
    const auto is_meant = [&](std::string_view address) { return same_text(address, text); };
    if (is_meant(story.reverse_path) ||
        without_brackets(story.message_id) == without_brackets(text))
        return true;
    return std::ranges::any_of(story.recipients, [&](const Story::Recipient& recipient) {
        const std::string_view original = recipient.original;
        return is_meant(recipient.address) || is_meant(recipient.expanded_from) ||
               is_meant(original) || is_meant(original.substr(original.find(';') + 1));
    });
}

void LedgerReader::find(const Wanted& wanted, const std::function<bool(Story)>& take) {
    const auto text = escaped(without_brackets(wanted.text));
    if (text.empty()) return;
    auto from_us = wanted.since_us;
    if (const auto id = mail::QueueId::parse(wanted.text))
        from_us = std::max(from_us, id->arrival_us());
    search(text, from_us,
           [&](Story story) { return !wanted.matches(story) || take(std::move(story)); });
}

void LedgerReader::find_notifications(const std::set<mail::QueueId>& about,
                                      const std::function<void(Story)>& take) {
    if (about.empty()) return;
    search("\"about\":\"", about.begin()->arrival_us(), [&](Story story) {
        if (about.contains(story.about) && story.id != story.about) take(std::move(story));
        return true;
    });
}

std::set<mail::QueueId> LedgerReader::left(const std::set<mail::QueueId>& ids) {
    std::set<mail::QueueId> found;
    if (ids.empty()) return found;
    search("\"id\":\"", ids.begin()->arrival_us(), [&](const Story& story) {
        if (ids.contains(story.id)) found.insert(story.id);
        return true;
    });
    return found;
}

void LedgerReader::search(std::string_view text, std::int64_t from_us,
                          const std::function<bool(Story)>& take) {
    const TextSearch hits(text);
    // A message leaves after it came; a day is for clocks that were set back.
    const auto first_day = day_of(std::max<std::int64_t>(0, from_us - kDay_us));
    for (const auto& name : ledger_.list() | std::views::reverse) {
        const auto day = ledger_day(name);
        if (day.empty() || day < first_day) continue;
        const auto file = ledger_.open(name, Access::kRead);
        if (!file) continue;  // removed just now
        const auto visit = [&](std::string_view line) {
            auto story = parse_story(line);
            if (story) return take(std::move(*story));
            ++damaged_;
            damaged_file_ = name;
            return true;
        };
        if (!HitsBackwards(*file, hits).visit(visit)) return;
    }
}

std::string LedgerReader::first_day() {
    for (const auto& name : ledger_.list())
        if (const auto day = ledger_day(name); !day.empty()) return std::string(day);
    return {};
}

}  // namespace veredus::spool
