#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "spool/mailbox/mailbox_store.h"

namespace veredus::mailboxd::pop3 {

// A user's INBOX as one POP3 session sees it: the messages that were there at login, under numbers
// that never change, and which of them are to be deleted at QUIT (RFC 1939, 3 and 5).
class Maildrop {
  public:
    struct Message {
        spool::MessageRow row;
        bool deleted = false;
        bool retrieved = false;
    };

    Maildrop(std::uint32_t uid_validity, std::vector<spool::MessageRow> rows);

    // The message of that number, 1 being the first; the error says why there is none.
    std::expected<Message*, std::string> find(std::uint32_t number);
    const std::vector<Message>& all() const { return messages_; }

    // Of the messages not marked deleted.
    std::uint32_t count() const { return count_; }
    std::uint64_t size() const { return size_; }  // bytes

    void remove(Message& message);
    void restore_all();

    // RFC 1939, 7 (UIDL): never used again for another message, the same in every session.
    std::string unique_id(const Message& message) const;

    std::vector<std::uint32_t> uids_deleted() const;
    // Retrieved, kept, and not \Seen yet.
    std::vector<std::uint32_t> uids_read() const;

  private:
    std::uint32_t uid_validity_;
    std::vector<Message> messages_;
    std::uint32_t count_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace veredus::mailboxd::pop3
