#include "common/mailq/why.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "common/mailq/mailq.h"

namespace veredus::mailq {

std::string rough_time(std::int64_t us) {
    struct Unit {
        std::int64_t seconds;
        std::string_view name;
    };
    constexpr std::array<Unit, 3> kUnits{{{86400, "d"}, {3600, "h"}, {60, "min"}}};
    const std::int64_t seconds = us / 1'000'000;
    for (const Unit unit : kUnits)
        if (seconds >= 2 * unit.seconds)
            return fmt::format("{} {}", seconds / unit.seconds, unit.name);
    return fmt::format("{} s", seconds);
}

namespace {

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string for_its_turn(const ipc::admin::Turn& turn) {
    if (!turn.away.empty())
        return fmt::format("it waits for {}, which is not there: see veredus status", turn.away);
    if (turn.next_hop.empty()) return "it waits for its turn at this destination";
    auto text = "it waits for its turn at " + turn.next_hop;
    if (turn.rate_pause_us > 0) {
        text += ": the rate set for it lets another go in " + rough_time(turn.rate_pause_us);
    } else if (turn.active > 0) {
        text +=
            fmt::format(": {} under way there{}", counted(turn.active, "delivery", "deliveries"),
                        turn.active >= turn.most ? ", as many as it takes for now" : "");
    } else {
        return text;
    }
    return text + fmt::format(", {} waiting", counted(turn.waiting, "message", "messages"));
}

}  // namespace

std::string why_it_waits(const ipc::admin::Row& row, const ipc::admin::RowRecipient& recipient,
                         std::int64_t now_us) {
    if (recipient.finished) return {};
    if (row.state == "hold")
        return fmt::format("the message is on hold ({}): nothing is tried until it is released",
                           row.reason);
    if (row.state == "damaged")
        return fmt::format("the message is damaged on disk ({}): it is kept and never sent",
                           row.reason);
    if (recipient.tried_now) return "it is being delivered right now";
    if (!recipient.paused.empty())
        return recipient.paused + ": nothing is tried until it is resumed";
    const std::int64_t pause_us = recipient.next_attempt_us - now_us;
    const std::string next = pause_us > 0
                                 ? fmt::format("the next attempt is in {}", rough_time(pause_us))
                                 : "the next attempt is due: " + for_its_turn(recipient.turn);
    if (recipient.state == "in doubt") return "the last attempt ended in doubt; " + next;
    if (!recipient.last_reply.empty()) return fmt::format("{}; {}", delay_reason(recipient), next);
    if (recipient.attempts > 0) return "the last attempt failed for the time being; " + next;
    return pause_us > 0 ? next : for_its_turn(recipient.turn);
}

}  // namespace veredus::mailq
