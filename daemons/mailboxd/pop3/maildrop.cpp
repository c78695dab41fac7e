#include "daemons/mailboxd/pop3/maildrop.h"

#include <fmt/format.h>

namespace veredus::mailboxd::pop3 {

Maildrop::Maildrop(std::uint32_t uid_validity, std::vector<spool::MessageRow> rows)
    : uid_validity_(uid_validity) {
    messages_.reserve(rows.size());
    for (spool::MessageRow& row : rows) {
        ++count_;
        size_ += row.size;
        messages_.push_back({std::move(row)});
    }
}

std::expected<Maildrop::Message*, std::string> Maildrop::find(std::uint32_t number) {
    if (messages_.empty()) return std::unexpected("there is no message; the mailbox is empty");
    if (number == 0 || number > messages_.size())
        return std::unexpected(fmt::format("there is no message {}; they are numbered from 1 to {}",
                                           number, messages_.size()));
    Message& message = messages_[number - 1];
    if (message.deleted)
        return std::unexpected(
            fmt::format("message {} is marked deleted; RSET takes that back", number));
    return &message;
}

void Maildrop::remove(Message& message) {
    message.deleted = true;
    --count_;
    size_ -= message.row.size;
}

void Maildrop::restore_all() {
    for (Message& message : messages_) {
        if (!message.deleted) continue;
        message.deleted = false;
        ++count_;
        size_ += message.row.size;
    }
}

std::string Maildrop::unique_id(const Message& message) const {
    return fmt::format("{:08x}{:08x}", uid_validity_, message.row.uid);
}

std::vector<std::uint32_t> Maildrop::uids_deleted() const {
    std::vector<std::uint32_t> uids;
    for (const Message& message : messages_)
        if (message.deleted) uids.push_back(message.row.uid);
    return uids;
}

std::vector<std::uint32_t> Maildrop::uids_read() const {
    std::vector<std::uint32_t> uids;
    for (const Message& message : messages_)
        if (message.retrieved && !message.deleted && (message.row.flags & spool::kSeen) == 0)
            uids.push_back(message.row.uid);
    return uids;
}

}  // namespace veredus::mailboxd::pop3
