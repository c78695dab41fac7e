#include "spool/queue/salvage.h"

#include <fmt/core.h>

#include <array>
#include <stdexcept>
#include <string>

namespace veredus::spool {
namespace {

struct Table {
    std::string_view name;
    std::string_view forward;  // by the key in which it lies on disk
    std::string_view backward;
};
constexpr std::array kTables{
    Table{"message", "id", "id DESC"},
    Table{"recipient", "message, number", "message DESC, number DESC"},
    Table{"history", "message, at_us, recipient, state",
          "message DESC, at_us DESC, recipient DESC, state DESC"},
    Table{"departing", "number", "number DESC"},
    Table{"pause", "of, name", "of DESC, name DESC"},
};

class Copy {
  public:
    Copy(Database& damaged, Database& fresh, std::string_view table)
        : damaged_(damaged), fresh_(fresh), table_(table) {}

    // False when there was damage before the end, or before a row that was copied already.
    bool run(std::string_view order) {
        try {
            auto select =
                damaged_.prepare(fmt::format("SELECT * FROM {} ORDER BY {}", table_, order));
            auto insert = fresh_.prepare(insertion(select.columns()));
            auto rows = select.query();
            while (rows.next()) {
                if (!copy(insert, rows, select.columns())) return true;
            }
            return true;
        } catch (const DatabaseError&) {
            return false;
        }
    }
    std::uint64_t copied() const { return copied_; }

  private:
    std::string insertion(int columns) const {
        std::string values = "?1";
        for (int i = 2; i <= columns; ++i)
            values += fmt::format(", ?{}", i);
        return fmt::format("INSERT INTO {} VALUES ({})", table_, values);
    }
    // False when the row is there.
    bool copy(Statement& insert, const Cursor& row, int columns) {
        for (int i = 0; i < columns; ++i)
            insert.bind_column(i + 1, row, i);
        try {
            insert.rows().next();
            ++copied_;
        } catch (const DatabaseError& error) {
            if (!error.constraint()) throw std::runtime_error(error.what());  // the new one's
            return !error.taken();  // else it has become what no row can be
        }
        return true;
    }

    Database& damaged_;
    Database& fresh_;
    const std::string table_;
    std::uint64_t copied_ = 0;
};

}  // namespace

Salvaged salvage(Database& damaged, Database& fresh) {
    Salvaged salvaged;
    Transaction transaction(fresh);
    for (const auto& table : kTables) {
        Copy copy(damaged, fresh, table.name);
        if (!copy.run(table.forward)) {
            salvaged.complete = false;
            copy.run(table.backward);
        }
        if (table.name == "message") salvaged.messages = copy.copied();
        if (table.name == "recipient") salvaged.recipients = copy.copied();
    }
    // All that is here is to be kept: nothing of it is dropped as never acknowledged.
    fresh.execute(
        "UPDATE mark SET batch = (SELECT coalesce(max(batch), 0) FROM message), "
        "durable = (SELECT coalesce(max(batch), 0) FROM message)");
    transaction.commit();
    return salvaged;
}

}  // namespace veredus::spool
