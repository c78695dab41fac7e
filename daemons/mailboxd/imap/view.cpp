#include "daemons/mailboxd/imap/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/imap/chars.h"
#include "daemons/mailboxd/imap/wire.h"

namespace veredus::mailboxd::imap {

namespace {

bool known(const std::vector<std::string>& keywords, std::string_view keyword) {
    return std::ranges::any_of(keywords, [&](const std::string& each) {
        return wire::equals_ignoring_case(each, keyword);
    });
}

}  // namespace

View::View(async::Loop& loop, spool::MailboxStore& store, spool::MailboxInfo mailbox,
           bool read_only)
    : store_(store),
      mailbox_(std::move(mailbox)),
      read_only_(read_only),
      modseq_(mailbox_.highest_modseq),
      keywords_(store.keywords(mailbox_.id)),
      changed_(loop),
      subscription_(store, mailbox_.id, [this] { changed_.set(); }) {
    const auto messages = store.messages(mailbox_.id);
    rows_.reserve(messages.size());
    for (const auto& message : messages)
        append_new(message);
    mark_recent(0);
}

std::uint32_t View::recent() const {
    return static_cast<std::uint32_t>(std::ranges::count(rows_, true, &Row::recent));
}

bool View::still_there() const {
    const auto now = store_.find(mailbox_.id);
    return now && now->selectable;
}

// A message is recent to the first session that is told of it; EXAMINE only looks (RFC 3501
// sections 2.3.2 and 6.3.2).
void View::mark_recent(std::size_t first_new) {
    if (first_new == rows_.size()) return;
    std::uint32_t first_recent = 0;
    if (read_only_) {
        const std::size_t count = store_.status(mailbox_.id).recent;
        if (count == 0) return;
        first_recent = rows_[rows_.size() - std::min(count, rows_.size())].uid;
    } else {
        first_recent = store_.claim_recent(mailbox_.id);
    }
    for (std::size_t i = first_new; i < rows_.size(); ++i) {
        rows_[i].recent = rows_[i].uid >= first_recent;
    }
}

std::string View::flags_line() const {
    std::string lines = fmt::format("* FLAGS {}\r\n", wire::flags_text(0xff, keywords_));
    if (read_only_) {
        return lines +
               wire::status_line(wire::kUntagged, wire::ok("No permanent flags permitted",
                                                           wire::Code::kPermanentFlags, "()"));
    }
    auto permanent = keywords_;
    permanent.emplace_back("\\*");
    return lines + wire::status_line(wire::kUntagged,
                                     wire::ok("Flags permitted", wire::Code::kPermanentFlags,
                                              wire::flags_text(0xff, permanent)));
}

std::string View::opening() const {
    std::string text = flags_line();
    text += fmt::format("* {} EXISTS\r\n* {} RECENT\r\n", exists(), recent());
    const auto unseen =
        std::ranges::find_if(rows_, [](const Row& row) { return (row.flags & spool::kSeen) == 0; });
    if (unseen != rows_.end()) {
        const auto first = std::to_string(unseen - rows_.begin() + 1);
        text += wire::status_line(
            wire::kUntagged,
            wire::ok("Message " + first + " is the first unseen", wire::Code::kUnseen, first));
    }
    text += wire::status_line(wire::kUntagged, wire::ok("UIDs valid", wire::Code::kUidValidity,
                                                        std::to_string(mailbox_.uid_validity)));
    text += wire::status_line(wire::kUntagged, wire::ok("Predicted next UID", wire::Code::kUidNext,
                                                        std::to_string(mailbox_.uid_next)));
    return text;
}

bool View::update(Row& row, const spool::MessageRow& now) {
    if (row.flags == now.flags && row.keywords == now.keywords) return false;
    row.flags = now.flags;
    row.keywords = now.keywords;
    return true;
}

std::string View::flags_of(const Row& row, std::string& announcement) {
    const auto words = split_keywords(row.keywords);
    const bool all_known =
        std::ranges::all_of(words, [&](const std::string& word) { return known(keywords_, word); });
    if (!all_known) {
        keywords_ = store_.keywords(mailbox_.id);
        announcement += flags_line();
    }
    return flags_text(row.flags, row.keywords, row.recent);
}

std::size_t View::place_of(std::uint32_t uid) const {
    const auto found = std::ranges::lower_bound(rows_, uid, {}, &Row::uid);
    if (found == rows_.end() || found->uid != uid) return rows_.size();
    return static_cast<std::size_t>(found - rows_.begin());
}

// From the lowest number up, each counted after those before it have gone (RFC 3501 section 7.4.1).
std::string View::tell_expunges() {
    std::string text;
    std::vector<Row> left;
    left.reserve(rows_.size());
    for (auto& row : rows_) {
        if (std::ranges::binary_search(vanished_, row.uid)) {
            text += fmt::format("* {} EXPUNGE\r\n", left.size() + 1);
        } else {
            left.push_back(std::move(row));
        }
    }
    rows_ = std::move(left);
    vanished_.clear();
    return text;
}

std::string View::tell_changes(Expunges expunges, bool with_uid) {
    const auto changes = store_.changes(mailbox_.id, modseq_);
    modseq_ = std::max(modseq_, changes.modseq);
    std::vector<std::uint32_t> vanished;
    std::ranges::set_union(vanished_, changes.vanished, std::back_inserter(vanished));
    vanished_ = std::move(vanished);

    std::string text;
    if (expunges == Expunges::kTell && !vanished_.empty()) text += tell_expunges();

    const std::size_t before = rows_.size();
    const std::uint32_t last_uid = rows_.empty() ? 0 : rows_.back().uid;
    std::string flags;
    for (const auto& message : changes.changed) {
        const std::size_t place = place_of(message.uid);
        if (place == rows_.size()) {
            if (message.uid > last_uid) append_new(message);
            continue;
        }
        if (place >= before || !update(rows_[place], message)) continue;
        std::string announcement;
        const auto flag_list = flags_of(rows_[place], announcement);
        flags += announcement;
        flags += with_uid ? fmt::format("* {} FETCH (UID {} FLAGS {})\r\n", number(place),
                                        message.uid, flag_list)
                          : fmt::format("* {} FETCH (FLAGS {})\r\n", number(place), flag_list);
    }
    if (rows_.size() > before) {
        mark_recent(before);
        text += fmt::format("* {} EXISTS\r\n* {} RECENT\r\n", exists(), recent());
    }
    return text + flags;
}

std::expected<std::vector<std::size_t>, wire::Answer> View::find(const wire::SequenceSet& set,
                                                                 bool by_uid) const {
    std::vector<std::size_t> places;
    const bool nothing_yet = rows_.empty() && set.has_star();
    if (!by_uid && !nothing_yet && set.largest_named() > exists()) {
        return std::unexpected(wire::bad(fmt::format("There is no message {}; the mailbox has {}",
                                                     set.largest_named(), exists())));
    }
    if (rows_.empty()) return places;
    const auto ranges = set.resolved(by_uid ? rows_.back().uid : exists());
    for (const auto& range : ranges) {
        const auto first =
            by_uid
                ? static_cast<std::size_t>(
                      std::ranges::lower_bound(rows_, range.first, {}, &Row::uid) - rows_.begin())
                : range.first - 1;
        for (std::size_t i = first; i < rows_.size(); ++i) {
            if ((by_uid ? rows_[i].uid : number(i)) > range.last) break;
            places.push_back(i);
        }
    }
    return places;
}

std::vector<std::uint32_t> View::uids(const std::vector<std::size_t>& places) const {
    std::vector<std::uint32_t> result;
    result.reserve(places.size());
    for (const auto place : places)
        result.push_back(rows_[place].uid);
    return result;
}

std::vector<std::uint32_t> View::deleted(const wire::SequenceSet* only) const {
    std::vector<std::uint32_t> result;
    if (rows_.empty()) return result;
    const auto ranges = only != nullptr ? only->resolved(rows_.back().uid)
                                        : std::vector<wire::SequenceSet::Range>();
    for (const auto& row : rows_) {
        if ((row.flags & spool::kDeleted) == 0) continue;
        if (only == nullptr || wire::contains(ranges, row.uid)) result.push_back(row.uid);
    }
    return result;
}

}  // namespace veredus::mailboxd::imap
