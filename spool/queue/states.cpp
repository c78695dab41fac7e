#include "spool/queue/states.h"

namespace veredus::spool {
namespace {

template <class Table, class State>
std::string_view look_up(const Table& table, State state) {
    for (const auto& row : table) {
        if (row.state == state) return row.name;
    }
    return "?";
}

constexpr std::array kMoverNames{
    Meaning{Mover::kIntake, "intake", ""},       Meaning{Mover::kWorker, "worker", ""},
    Meaning{Mover::kAdmin, "administrator", ""}, Meaning{Mover::kReader, "reader", ""},
    Meaning{Mover::kRecovery, "recovery", ""},
};

}  // namespace

std::string_view name_of(MessageState state) {
    return look_up(kMessageMeanings, state);
}
std::string_view name_of(RecipientState state) {
    return look_up(kRecipientMeanings, state);
}
std::string_view name_of(Mover mover) {
    return look_up(kMoverNames, mover);
}

}  // namespace veredus::spool
