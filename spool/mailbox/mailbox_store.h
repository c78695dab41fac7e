#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/mail/body_ref.h"
#include "common/mail/queue_id.h"
#include "spool/body/body_store.h"
#include "spool/body/body_writer.h"
#include "spool/disk/disk.h"
#include "spool/disk/sqlite.h"

namespace veredus::spool {

// RFC 3501 2.3.2, as bits; they stand in the database. \Recent is not among them: see
// claim_recent().
using Flags = std::uint8_t;
inline constexpr Flags kSeen = 1;
inline constexpr Flags kAnswered = 2;
inline constexpr Flags kFlagged = 4;
inline constexpr Flags kDeleted = 8;
inline constexpr Flags kDraft = 16;

struct MailboxInfo {
    std::int64_t id = 0;
    std::string name;                // UTF-8, levels separated by '/'; "INBOX" in capitals
    std::uint32_t uid_validity = 0;  // 1 … 2^31-1, as all UIDs
    std::uint32_t uid_next = 1;
    std::uint64_t highest_modseq = 1;
    std::string special_use;  // "\\Sent" and the like (RFC 6154), or empty
    bool subscribed = false;
    bool selectable = true;  // false: only a level in others' names
};

struct MailboxStatus {
    std::uint32_t messages = 0;
    std::uint32_t recent = 0;
    std::uint32_t unseen = 0;
    std::uint64_t size = 0;  // bytes
};

// A message in a mailbox, without its bytes.
struct MessageRow {
    std::uint32_t uid = 0;
    Flags flags = 0;
    std::uint64_t modseq = 0;
    std::int64_t internal_date_us = 0;  // since 1970
    std::int32_t zone_minutes = 0;      // in which the date was given
    std::uint64_t size = 0;             // bytes
    std::int64_t content = 0;           // see structure(), open()
    std::string keywords;               // separated by spaces, as first written; empty as a rule
};

// Built when the message came (common/mail/imap_structure.h).
struct MessageStructure {
    std::string envelope;
    std::string body;
    std::string body_structure;
};

// A message to be stored. Its bytes are `text`, then, where there is one, `length` bytes of `file`
// from `offset`.
struct NewMail {
    std::string_view text;
    File* file = nullptr;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::int64_t internal_date_us = 0;
    std::int32_t zone_minutes = 0;
    Flags flags = 0;
    std::vector<std::string> keywords;
};

// What deliverd hands over. (id, recipient) is stored with it: the same delivery made again is
// answered as done.
struct Delivery {
    mail::QueueId id;
    std::uint32_t recipient = 0;
    NewMail mail;
};

// Bytes of a stored message, checked against the digest when it was opened. Move-only; independent
// of the store.
class StoredMessage {
  public:
    StoredMessage(std::unique_ptr<File> file, std::uint64_t offset, std::uint64_t length)
        : file_(std::move(file)), offset_(offset), length_(length) {}
    std::uint64_t size() const { return length_; }
    // At most `length` bytes from `offset`; fewer at the end. Throws DiskError.
    std::string read(std::uint64_t offset, std::uint64_t length) const;
    std::string read_all() const { return read(0, length_); }

  private:
    std::unique_ptr<File> file_;
    std::uint64_t offset_;
    std::uint64_t length_;
};

// Why a mailbox cannot be made, renamed or removed (RFC 5530 codes).
enum class MailboxRefusal : std::uint8_t { nonexistent, already_exists, cannot, has_children };

enum class FlagChange : std::uint8_t { add, remove, replace };

// What became different in a mailbox after a modseq. To be compared with what a session has told
// its client.
struct MailboxChanges {
    std::vector<MessageRow> changed;      // new or with other flags, ascending UID
    std::vector<std::uint32_t> vanished;  // ascending
    std::uint64_t modseq = 0;             // look from here on next time
};

struct CopiedUids {
    std::uint32_t uid_validity = 0;
    std::vector<std::uint32_t> from;
    std::vector<std::uint32_t> to;  // one for each of `from`
};

// A user's mail: mailboxes, UIDs, flags and structure in mailbox.db, bytes in body/
// (docs/formats-mailbox.md). One process owns it, one thread uses it, all calls block and are
// durable when they return. Throws DatabaseError and DiskError where the disk fails; the store is
// then as it was before the call.
class MailboxStore {
  public:
    // `now_us`: microseconds since 1970. Makes INBOX and the special-use mailboxes in a new store.
    MailboxStore(std::unique_ptr<Directory> directory, std::function<std::int64_t()> now_us);
    ~MailboxStore();

    // --- Mailboxes

    std::vector<MailboxInfo> mailboxes();  // in the order of their names, INBOX first
    std::optional<MailboxInfo> find(std::string_view name);
    std::optional<MailboxInfo> find(std::int64_t mailbox);
    // Makes the levels above it as well. `special_use` as in MailboxInfo.
    std::expected<MailboxInfo, MailboxRefusal> create(std::string_view name,
                                                      std::string_view special_use = {});
    // RFC 3501 6.3.4: one with children keeps its name and loses its messages. INBOX cannot be
    // removed.
    std::expected<void, MailboxRefusal> remove(std::string_view name);
    // RFC 3501 6.3.5: takes its children along; INBOX gives its messages to the new name and stays,
    // empty.
    std::expected<void, MailboxRefusal> rename(std::string_view from, std::string_view to);
    void subscribe(std::string_view name, bool subscribed);
    // Names subscribed to, whether or not such a mailbox exists.
    std::vector<std::string> subscriptions();
    MailboxStatus status(std::int64_t mailbox);

    // --- Messages

    std::vector<MessageRow> messages(std::int64_t mailbox);  // ascending UID
    std::optional<MessageRow> message(std::int64_t mailbox, std::uint32_t uid);
    MessageStructure structure(std::int64_t content);
    // Keywords that messages of this mailbox have or had.
    std::vector<std::string> keywords(std::int64_t mailbox);
    // Checks the digest. The error is a sentence for people: what is stored is damaged.
    std::expected<StoredMessage, std::string> open(std::int64_t content);

    // The new messages' UIDs.
    std::vector<std::uint32_t> append(std::int64_t mailbox, std::span<const NewMail> mails);
    // Into INBOX, all in one commit.
    void deliver(std::span<const Delivery> deliveries);

    // Rows as they are afterwards, of those that changed.
    std::vector<MessageRow> change_flags(std::int64_t mailbox, std::span<const std::uint32_t> uids,
                                         FlagChange change, Flags flags,
                                         const std::vector<std::string>& keywords);
    CopiedUids copy(std::int64_t from, std::span<const std::uint32_t> uids, std::int64_t to);
    CopiedUids move(std::int64_t from, std::span<const std::uint32_t> uids, std::int64_t to);
    // Returns those that were there.
    std::vector<std::uint32_t> expunge(std::int64_t mailbox, std::span<const std::uint32_t> uids);

    // Messages with this UID and above are recent to the caller, and from now on to nobody else
    // (RFC 3501 2.3.2).
    std::uint32_t claim_recent(std::int64_t mailbox);

    // --- Other sessions' changes

    MailboxChanges changes(std::int64_t mailbox, std::uint64_t since_modseq);

    // Called after each commit that changed messages of `mailbox`, while the subscription lives. It
    // must do no more than wake somebody.
    class Subscription {
      public:
        Subscription(MailboxStore& store, std::int64_t mailbox, std::function<void()> changed);
        ~Subscription();
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;

      private:
        friend class MailboxStore;
        MailboxStore& store_;
        std::int64_t mailbox_;
        std::function<void()> changed_;
    };

    // --- Care

    // Gives back the space of what was expunged, and puts small files together; copies at most 16
    // MiB. To be called when nothing else is to do, as long as it returns true.
    bool compact();
    // What was amiss when the store was opened: a sentence each, for the log.
    const std::vector<std::string>& found_at_start() const { return found_at_start_; }
    // What is wrong: a sentence each; reads every message.
    std::vector<std::string> check();
    // Takes messages that lie in files put aside (the database had been lost) into the mailbox
    // "Recovered". What was done: a sentence each.
    std::vector<std::string> repair();

  private:
    class Change;
    struct Written;
    struct Statements;

    void make_initial_mailboxes();
    void recover_bodies(bool database_is_new);
    std::uint32_t next_uid_validity();
    mail::BodyRef write_record(mail::QueueId id, std::string_view bytes);
    mail::BodyRef write_single(const NewMail& mail);
    Written write(mail::QueueId id, const NewMail& mail);
    void sync_bodies(std::span<const Written> bodies);
    std::int64_t insert_content(const Written& body);
    std::uint32_t insert_message(std::int64_t mailbox, std::int64_t content, const MessageRow& row);
    std::uint64_t next_modseq(std::int64_t mailbox);
    std::vector<std::string> spelled(std::int64_t mailbox,
                                     const std::vector<std::string>& keywords);
    MailboxInfo make_levels_and(std::string_view name, std::string_view special_use);
    MailboxInfo insert_mailbox(std::string_view name, std::string_view special_use);
    std::vector<std::uint32_t> uids_of(std::int64_t mailbox);
    using Group = std::vector<std::pair<std::int64_t, mail::BodyRef>>;  // rows of content
    std::vector<Group> groups_to_rewrite();
    bool rewrite(const Group& group);
    std::size_t take_in(std::string_view orphan);
    CopiedUids copy_rows(std::int64_t from, std::span<const std::uint32_t> uids, std::int64_t to);
    std::vector<std::uint32_t> remove_rows(std::int64_t mailbox,
                                           std::span<const std::uint32_t> uids);
    std::unique_ptr<Directory> directory_;
    std::function<std::int64_t()> now_us_;
    Database database_;
    BodyStore bodies_;
    std::unique_ptr<Statements> statements_;
    std::unique_ptr<BodyStore::Lease> lease_;  // of the segment being filled
    std::unique_ptr<SegmentWriter> segment_;
    Change* change_ = nullptr;  // the running one
    std::vector<Subscription*> subscriptions_;
    std::vector<std::string> found_at_start_;
};

}  // namespace veredus::spool
