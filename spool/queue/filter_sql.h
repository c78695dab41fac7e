#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/mail/queue_filter.h"
#include "spool/disk/sqlite.h"

namespace veredus::spool {

// A filter as conditions of SQL, with the values of their parameters. QueueState::active is not
// known to the disk: its term is to be turned into ids before.
class FilterSql {
  public:
    // Parameters are numbered from `first_parameter` on.
    FilterSql(const mail::QueueFilter& filter, int first_parameter);

    // On a row of `message`, and on a row of `recipient`. "1" where there is no condition.
    const std::string& of_message() const { return of_message_; }
    const std::string& of_recipient() const { return of_recipient_; }
    bool asks_recipients() const { return of_recipient_ != "1"; }

    // Runs the statement, which `first...` are the parameters before those of this filter of; this
    // must live as long as the cursor.
    template <class... First>
    Cursor query(Statement& statement, const First&... first) const {
        int index = 0;
        (statement.bind(++index, first), ...);
        for (const auto& value : values_)
            std::visit([&](const auto& v) { statement.bind(++index, v); }, value);
        return statement.rows();
    }

  private:
    std::string parameter(std::variant<std::int64_t, std::string> value);
    void add_ids(const std::vector<mail::QueueId>& ids);
    void add(const mail::FilterTerm& term);

    int first_;
    std::vector<std::variant<std::int64_t, std::string>> values_;
    std::string of_message_ = "1";
    std::string of_recipient_ = "1";
};

}  // namespace veredus::spool
