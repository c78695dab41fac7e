#include "spool/queue/filter_sql.h"

#include <fmt/format.h>

#include <array>

#include "spool/queue/states.h"

namespace veredus::spool {
namespace {

using mail::FilterKey;
using mail::FilterTerm;
using mail::QueueState;

enum class Table : std::uint8_t { kMessage, kRecipient };

// Which of a row's conditions; "{}" is the parameter.
struct Condition {
    Table table;
    std::string sql;
};

// A text that holds an address: all of it, all of a domain, or a part.
std::string address_sql(std::string_view column, std::string_view text) {
    if (text.starts_with('@'))
        return fmt::format("substr({0}, -length({{0}})) = {{0}} COLLATE NOCASE", column);
    if (text.empty() || (text.contains('@') && !text.ends_with('@')))
        return fmt::format("{} = {{0}} COLLATE NOCASE", column);
    return fmt::format("instr(lower({}), lower({{0}})) > 0", column);
}

// The index message_held has those of both states.
std::string kept_sql(MessageState state) {
    return fmt::format("message.state IN (2, 3) AND message.state = {}", static_cast<int>(state));
}
std::string recipient_sql(RecipientState state) {
    return fmt::format("recipient.state = {}", static_cast<int>(state));
}

Condition of_state(QueueState state) {
    switch (state) {
        case QueueState::held:
            return {Table::kMessage, kept_sql(MessageState::kHeld)};
        case QueueState::damaged:
            return {Table::kMessage, kept_sql(MessageState::kDamaged)};
        case QueueState::deferred:
            return {Table::kRecipient, recipient_sql(RecipientState::kDeferred)};
        case QueueState::in_doubt:
            return {Table::kRecipient, recipient_sql(RecipientState::kInDoubt)};
        default:
            return {Table::kRecipient, recipient_sql(RecipientState::kReady)};
    }
}

Condition condition_of(const FilterTerm& term) {
    switch (term.key) {
        case FilterKey::from:
            return {Table::kMessage, address_sql("message.reverse_path", term.text)};
        case FilterKey::to:
            return {Table::kRecipient, address_sql("recipient.address", term.text)};
        case FilterKey::domain:
            return {Table::kRecipient, "recipient.destination = lower({0})"};
        case FilterKey::user:
            return {Table::kMessage, "message.auth_user = {0} COLLATE NOCASE"};
        case FilterKey::older:
            return {Table::kMessage, "message.id < {0}"};
        case FilterKey::newer:
            return {Table::kMessage, "message.id >= {0}"};
        case FilterKey::larger:
            return {Table::kMessage, "message.body_length > {0}"};
        case FilterKey::smaller:
            return {Table::kMessage, "message.body_length < {0}"};
        case FilterKey::state:
            return of_state(static_cast<QueueState>(term.number));
        case FilterKey::reason:
            return {Table::kRecipient,
                    "(instr(lower(recipient.last_reply), lower({0})) > 0 OR "
                    "instr(lower(message.reason), lower({0})) > 0)"};
        case FilterKey::attempts:
            return {Table::kRecipient, "recipient.attempts >= {0}"};
        case FilterKey::message_id:
            return {Table::kMessage, "message.message_id = {0}"};
    }
    return {Table::kMessage, "0"};
}

std::variant<std::int64_t, std::string> value_of(const FilterTerm& term) {
    switch (term.key) {
        case FilterKey::older:
        case FilterKey::newer:
            // An id begins with when it arrived.
            return static_cast<std::int64_t>(mail::QueueId::make(term.number, 0).value());
        case FilterKey::larger:
        case FilterKey::smaller:
        case FilterKey::attempts:
            return term.number;
        default:
            return term.text;
    }
}

}  // namespace

FilterSql::FilterSql(const mail::QueueFilter& filter, int first_parameter)
    : first_(first_parameter) {
    if (!filter.ids.empty()) add_ids(filter.ids);
    for (const auto& term : filter.terms)
        add(term);
}

std::string FilterSql::parameter(std::variant<std::int64_t, std::string> value) {
    values_.push_back(std::move(value));
    return fmt::format("?{}", first_ + static_cast<int>(values_.size()) - 1);
}

void FilterSql::add_ids(const std::vector<mail::QueueId>& ids) {
    std::string json = "[";
    for (const auto id : ids)
        json += fmt::format("{}{}", json.size() == 1 ? "" : ",", id.value());
    of_message_ +=
        fmt::format(" AND message.id IN (SELECT value FROM json_each({}))", parameter(json + "]"));
}

void FilterSql::add(const FilterTerm& term) {
    const auto condition = condition_of(term);
    auto& sql = condition.table == Table::kMessage ? of_message_ : of_recipient_;
    sql += " AND " + (condition.sql.contains("{0}")
                          ? fmt::format(fmt::runtime(condition.sql), parameter(value_of(term)))
                          : condition.sql);
}

}  // namespace veredus::spool
