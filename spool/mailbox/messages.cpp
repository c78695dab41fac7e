// Messages in mailboxes: flags, copies, expunging, what other sessions changed.
#include <algorithm>

#include "spool/mailbox/change.h"
#include "spool/mailbox/statements.h"

namespace veredus::spool {
namespace {

MessageRow row_of(const Cursor& row) {
    return {.uid = row.get<std::uint32_t>(0),
            .flags = row.get<Flags>(1),
            .modseq = row.get<std::uint64_t>(2),
            .internal_date_us = row.get<std::int64_t>(3),
            .zone_minutes = row.get<std::int32_t>(4),
            .size = row.get<std::uint64_t>(5),
            .content = row.get<std::int64_t>(6),
            .keywords = row.get<std::string>(7)};
}

bool same_keyword(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        return (x | ((x >= 'A' && x <= 'Z') ? 0x20 : 0)) ==
               (y | ((y >= 'A' && y <= 'Z') ? 0x20 : 0));
    });
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = text.find(' ');
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string joined(const std::vector<std::string>& keywords) {
    std::string out;
    for (const auto& keyword : keywords)
        (out += out.empty() ? "" : " ") += keyword;
    return out;
}

bool holds(const std::vector<std::string>& keywords, std::string_view wanted) {
    return std::ranges::any_of(keywords,
                               [&](const auto& keyword) { return same_keyword(keyword, wanted); });
}

std::string changed_keywords(std::string_view present, FlagChange change,
                             const std::vector<std::string>& given) {
    std::vector<std::string> out;
    if (change != FlagChange::replace) out = words(present);
    if (change == FlagChange::remove) {
        std::erase_if(out, [&](const auto& keyword) { return holds(given, keyword); });
    } else {
        for (const auto& keyword : given) {
            if (!holds(out, keyword)) out.push_back(keyword);
        }
    }
    return joined(out);
}

Flags changed_flags(Flags present, FlagChange change, Flags given) {
    switch (change) {
        case FlagChange::add:
            return present | given;
        case FlagChange::remove:
            return static_cast<Flags>(present & ~given);
        case FlagChange::replace:
            return given;
    }
    return present;
}

}  // namespace

std::vector<MessageRow> MailboxStore::messages(std::int64_t mailbox) {
    std::vector<MessageRow> out;
    auto rows = statements_->rows.query(mailbox);
    while (rows.next())
        out.push_back(row_of(rows));
    return out;
}

std::optional<MessageRow> MailboxStore::message(std::int64_t mailbox, std::uint32_t uid) {
    auto row = statements_->row.query(mailbox, uid);
    if (!row.next()) return std::nullopt;
    return row_of(row);
}

std::vector<std::string> MailboxStore::keywords(std::int64_t mailbox) {
    std::vector<std::string> out;
    auto statement = database_.prepare("SELECT name FROM keyword WHERE mailbox = ?1 ORDER BY name");
    auto rows = statement.query(mailbox);
    while (rows.next())
        out.push_back(rows.get<std::string>(0));
    return out;
}

std::uint64_t MailboxStore::next_modseq(std::int64_t mailbox) {
    auto row = statements_->next_modseq.query(mailbox);
    row.next();
    change_->touches(mailbox);
    return row.get<std::uint64_t>(0);
}

std::uint32_t MailboxStore::insert_message(std::int64_t mailbox, std::int64_t content,
                                           const MessageRow& message) {
    const auto modseq = next_modseq(mailbox);
    std::uint32_t uid = 0;
    {
        auto row = statements_->next_uid.query(mailbox);
        row.next();
        uid = row.get<std::uint32_t>(0);
    }
    const auto keywords = joined(spelled(mailbox, words(message.keywords)));
    statements_->insert_message.run(mailbox, uid, message.flags, modseq, message.internal_date_us,
                                    message.zone_minutes, message.size, content, keywords);
    return uid;
}

// Keywords as this mailbox has them: a client that asks for $MDNSent where $MdnSent was first would
// otherwise set it again and again. New ones are noted.
std::vector<std::string> MailboxStore::spelled(std::int64_t mailbox,
                                               const std::vector<std::string>& keywords) {
    std::vector<std::string> out;
    for (const auto& keyword : keywords) {
        statements_->insert_keyword.run(mailbox, keyword);
        auto row = statements_->keyword.query(mailbox, keyword);
        row.next();
        out.push_back(row.get<std::string>(0));
    }
    return out;
}

std::vector<MessageRow> MailboxStore::change_flags(std::int64_t mailbox,
                                                   std::span<const std::uint32_t> uids,
                                                   FlagChange how, Flags flags,
                                                   const std::vector<std::string>& given) {
    std::vector<MessageRow> out;
    Change change(*this);
    const auto keywords = how == FlagChange::remove ? given : spelled(mailbox, given);
    for (const auto uid : uids) {
        auto present = message(mailbox, uid);
        if (!present) continue;
        const Flags new_flags = changed_flags(present->flags, how, flags);
        auto new_keywords = changed_keywords(present->keywords, how, keywords);
        if (new_flags == present->flags && new_keywords == present->keywords) continue;
        present->flags = new_flags;
        present->keywords = std::move(new_keywords);
        present->modseq = next_modseq(mailbox);
        statements_->update_flags.run(mailbox, uid, present->flags, present->keywords,
                                      present->modseq);
        out.push_back(std::move(*present));
    }
    change.commit();
    return out;
}

CopiedUids MailboxStore::copy_rows(std::int64_t from, std::span<const std::uint32_t> uids,
                                   std::int64_t to) {
    CopiedUids out;
    const auto target = find(to);
    if (!target) return out;
    out.uid_validity = target->uid_validity;
    for (const auto uid : uids) {
        const auto source = message(from, uid);
        if (!source) continue;
        out.from.push_back(uid);
        out.to.push_back(insert_message(to, source->content, *source));
    }
    return out;
}

CopiedUids MailboxStore::copy(std::int64_t from, std::span<const std::uint32_t> uids,
                              std::int64_t to) {
    Change change(*this);
    auto out = copy_rows(from, uids, to);
    change.commit();
    return out;
}

CopiedUids MailboxStore::move(std::int64_t from, std::span<const std::uint32_t> uids,
                              std::int64_t to) {
    Change change(*this);
    auto out = copy_rows(from, uids, to);
    remove_rows(from, out.from);
    change.commit();
    return out;
}

std::vector<std::uint32_t> MailboxStore::remove_rows(std::int64_t mailbox,
                                                     std::span<const std::uint32_t> uids) {
    std::vector<std::uint32_t> out;
    for (const auto uid : uids) {
        std::int64_t content = 0;
        {
            auto row = statements_->delete_message.query(mailbox, uid);
            if (!row.next()) continue;
            content = row.get<std::int64_t>(0);
        }
        statements_->insert_vanished.run(mailbox, next_modseq(mailbox), uid);
        if (!statements_->content_in_use.query(content).next()) {
            auto row = statements_->delete_content.query(content);
            if (row.next()) change_->drops_body_in(row.get<std::uint64_t>(0));
        }
        out.push_back(uid);
    }
    return out;
}

std::vector<std::uint32_t> MailboxStore::expunge(std::int64_t mailbox,
                                                 std::span<const std::uint32_t> uids) {
    Change change(*this);
    auto out = remove_rows(mailbox, uids);
    change.commit();
    return out;
}

MailboxChanges MailboxStore::changes(std::int64_t mailbox, std::uint64_t since_modseq) {
    MailboxChanges out;
    const auto info = find(mailbox);
    out.modseq = info ? info->highest_modseq : since_modseq;
    if (out.modseq == since_modseq) return out;
    auto rows = statements_->changed_rows.query(mailbox, since_modseq);
    while (rows.next())
        out.changed.push_back(row_of(rows));
    auto gone = statements_->vanished_uids.query(mailbox, since_modseq);
    while (gone.next())
        out.vanished.push_back(gone.get<std::uint32_t>(0));
    return out;
}

}  // namespace veredus::spool
