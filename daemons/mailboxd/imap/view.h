#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/wait.h"
#include "common/imap/response.h"
#include "common/imap/sequence_set.h"
#include "daemons/mailboxd/imap/wire.h"
#include "spool/mailbox/mailbox_store.h"

namespace veredus::mailboxd::imap {

// The selected mailbox as the client knows it: which message has which number, and with which flags
// it was last told of. The store may be ahead; tell_changes() closes the gap and says so.
class View {
  public:
    struct Row {
        std::uint32_t uid = 0;
        spool::Flags flags = 0;
        bool recent = false;   // to this session (RFC 3501 section 2.3.2)
        std::string keywords;  // separated by spaces
    };

    View(async::Loop& loop, spool::MailboxStore& store, spool::MailboxInfo mailbox, bool read_only);

    std::int64_t mailbox() const { return mailbox_.id; }
    const std::string& name() const { return mailbox_.name; }
    bool read_only() const { return read_only_; }
    std::uint32_t exists() const { return static_cast<std::uint32_t>(rows_.size()); }
    std::uint32_t recent() const;
    std::uint32_t largest_uid() const { return rows_.empty() ? 0 : rows_.back().uid; }
    Row& row(std::size_t index) { return rows_[index]; }
    static std::uint32_t number(std::size_t index) { return static_cast<std::uint32_t>(index + 1); }

    // Set whenever the mailbox may have changed.
    async::Event& changed() { return changed_; }
    // False once the mailbox was deleted.
    bool still_there() const;

    // What SELECT says before its tagged answer (RFC 3501 section 6.3.1).
    std::string opening() const;

    enum class Expunges : std::uint8_t { kTell, kHold };
    // Untagged responses for what is different by now, and the view as it is with them. FETCH
    // responses name the UID if `with_uid`.
    std::string tell_changes(Expunges expunges, bool with_uid);

    // Places of the messages that `set` names, ascending. UIDs that do not exist are passed over; a
    // number that does not is the client's error (RFC 3501 section 9, seq-number), but "*" in an
    // empty mailbox is no message: clients ask for 1:* before they know.
    std::expected<std::vector<std::size_t>, wire::Answer> find(const wire::SequenceSet& set,
                                                               bool by_uid) const;
    std::vector<std::uint32_t> uids(const std::vector<std::size_t>& places) const;
    // UIDs of the messages with \Deleted; of those in `only`, a set of UIDs, if it is not null.
    std::vector<std::uint32_t> deleted(const wire::SequenceSet* only) const;

    // "(\Seen $Forwarded)" for a row. Keywords that the client has not been told of are announced
    // first: `announcement` gets the responses for that.
    std::string flags_of(const Row& row, std::string& announcement);
    // Takes over what the store says now; true if the client did not know.
    static bool update(Row& row, const spool::MessageRow& now);

  private:
    void append_new(const spool::MessageRow& row) {
        rows_.push_back({row.uid, row.flags, false, row.keywords});
    }
    void mark_recent(std::size_t first_new);
    std::string tell_expunges();
    std::string flags_line() const;
    std::size_t place_of(std::uint32_t uid) const;  // rows_.size() if there is none

    spool::MailboxStore& store_;
    const spool::MailboxInfo mailbox_;
    const bool read_only_;
    std::uint64_t modseq_ = 0;             // of the last change that was looked at
    std::vector<Row> rows_;                // ascending UID
    std::vector<std::uint32_t> vanished_;  // expunged, not told yet; ascending
    std::vector<std::string> keywords_;    // told with FLAGS
    async::Event changed_;
    spool::MailboxStore::Subscription subscription_;
};

}  // namespace veredus::mailboxd::imap
