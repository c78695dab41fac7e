#include "tests/unit/spool/states_page.h"

#include <fmt/core.h>

#include "spool/queue/states.h"

namespace veredus::spool {
namespace {

template <class Table>
std::string meanings(const Table& table) {
    std::string text = "| number | state | meaning |\n|---|---|---|\n";
    for (const auto& row : table) {
        text +=
            fmt::format("| {} | {} | {} |\n", static_cast<int>(row.state), row.name, row.meaning);
    }
    return text;
}

template <class Table>
std::string moves(const Table& table) {
    std::string text = "| from | to | moved by | door | when |\n|---|---|---|---|---|\n";
    for (const auto& move : table) {
        text += fmt::format("| {} | {} | {} | `{}` | {} |\n", name_of(move.from), name_of(move.to),
                            name_of(move.mover), move.door, move.when);
    }
    return text;
}

std::string findings() {
    std::string text =
        "| found | message | recipients | body | what follows |\n|---|---|---|---|---|\n";
    for (const auto& row : kFindings) {
        text += fmt::format("| {} | {} | {} | {} | {} |\n", row.name, name_of(row.message),
                            row.recipients, row.body, row.what_follows);
    }
    return text;
}

}  // namespace

std::string states_page() {
    return "# The states of a message on disk\n\n"
           "Printed from the tables in spool/queue/states.h by "
           "`build/tests/unit/spool/print_states`; a test "
           "compares the two.\n\n"
           "Each state has one door, a function in spool/queue/doors.h, and only a door changes a "
           "state. The "
           "statements behind the doors are made from these tables, so a move that is not here "
           "cannot happen. "
           "The numbers stand in queue.db.\n\n"
           "## Messages\n\n" +
           meanings(kMessageMeanings) + "\n" + moves(kMessageMoves) + "\n## Recipients\n\n" +
           meanings(kRecipientMeanings) + "\n" + moves(kRecipientMoves) +
           "\nA recipient has no state without its message: it goes when that leaves.\n\n"
           "## What can be found on disk\n\n"
           "Whatever happens, a message is found in one of these rows; the crash tests assert it "
           "after a cut at "
           "every write, sync and rename. *Waiting* recipients are ready, deferred or in doubt. "
           "The *mark* is "
           "the number of the last commit whose bodies are known to be on disk: envelopes are "
           "committed and "
           "bodies synced side by side, so that a crash can leave an envelope of a later commit "
           "without its "
           "body. Its sender was never answered. The *horizon* is how far the database had heard "
           "of what stands "
           "in segments (formats-queue.md, After a crash). What is done before it has a row has "
           "none: "
           "its story is in the ledger.\n\n" +
           findings();
}

}  // namespace veredus::spool
