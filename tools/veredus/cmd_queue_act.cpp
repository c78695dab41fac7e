// veredus queue hold, release, retry, delete, bounce.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/mailq/mailq.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

using namespace ipc::admin;
using nlohmann::ordered_json;

constexpr std::uint64_t kShown = 5;  // messages of a filter, before it is asked or in a dry run

struct VerbRow {
    std::string_view name;
    Verb verb;
    std::string_view past;
    bool for_good;  // cannot be taken back
};

constexpr std::array<VerbRow, 5> kVerbs{{{"hold", Verb::hold, "held", false},
                                         {"release", Verb::release, "released", false},
                                         {"retry", Verb::retry, "to be tried now", false},
                                         {"delete", Verb::remove, "deleted", true},
                                         {"bounce", Verb::bounce, "returned", true}}};

// What a filter means, before anything is done.
struct Meant {
    std::uint64_t count = 0;
    std::vector<mailq::Message> first;
};

Meant meant_by(AdminLink& link, const Filter& filter) {
    Meant meant;
    link.list(filter, {.limit = kShown},
              [&](Row row) { meant.first.push_back(mailq::message_of(std::move(row))); });
    meant.count = meant.first.size() < kShown ? meant.first.size() : link.match(filter);
    return meant;
}

std::string text_of(const Meant& meant) {
    mailq::Table table;
    std::string text;
    for (const auto& message : meant.first)
        table.row(message, text);
    if (meant.count > meant.first.size())
        text += fmt::format("\n… and {} more\n", meant.count - meant.first.size());
    return text;
}

int dry_run(AdminLink& link, const VerbRow& verb, const Filter& filter, bool json) {
    const Meant meant = meant_by(link, filter);
    Output output;
    if (json) {
        auto ids = ordered_json::array();
        for (const auto& message : meant.first)
            ids.push_back(message.queue_id);
        output.text() = ordered_json{{"verb", verb.name},
                                     {"dry_run", true},
                                     {"messages", meant.count},
                                     {"first", std::move(ids)}}
                            .dump() +
                        "\n";
    } else {
        output.text() = text_of(meant) + (meant.count > 0 ? "\n" : "") +
                        fmt::format("{} would be {}\n", counted(meant.count, "message"), verb.past);
    }
    output.flush();
    return EX_OK;
}

// What is for good and goes by a filter needs a yes: typed by somebody who has seen how many and
// which, or given as --yes. False: he said no.
bool confirmed(AdminLink& link, const VerbRow& verb, const Filter& filter, bool json) {
    const Meant meant = meant_by(link, filter);
    if (meant.count == 0) return true;
    if (json || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0)
        throw Failure(EX_USAGE,
                      fmt::format("{} would be {} for good; say --yes if that is meant, or "
                                  "--dry-run to see which",
                                  counted(meant.count, "message"), verb.past));
    fmt::print(stderr, "{}\n{} {}, for good? [y/N] ", text_of(meant), verb.name,
               counted(meant.count, "message"));
    std::fflush(stderr);
    std::string answer;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
        answer.push_back(static_cast<char>(c));
    return answer == "y" || answer == "Y" || answer == "yes";
}

// A pause is stronger than a retry.
std::string_view but_for_pauses(AdminLink& link) {
    const auto depth = link.count();
    return depth.all_paused || !depth.paused.empty()
               ? ", but what is paused waits on: see veredus pause"
               : "";
}

}  // namespace

int queue_act_command(const config::InstancePaths& paths, const std::string& name,
                      const std::vector<std::string>& words, const ActOptions& options) {
    const VerbRow& verb = *std::ranges::find(kVerbs, name, &VerbRow::name);
    const Filter filter = parse_filter(words);
    const bool by_id = filter.terms.empty() && !filter.ids.empty();
    AdminLink link(paths);
    if (options.dry_run) return dry_run(link, verb, filter, options.json);
    if (verb.for_good && !by_id && !options.yes && !confirmed(link, verb, filter, options.json)) {
        fmt::print(stderr, "nothing was done\n");
        return EX_OK;
    }
    const std::uint64_t count = link.act(verb.verb, filter);
    if (options.json) {
        fmt::print(
            "{}\n",
            ordered_json{{"verb", verb.name}, {"dry_run", false}, {"messages", count}}.dump());
    } else {
        fmt::print("{} {}{}\n", counted(count, "message"), verb.past,
                   count > 0 && verb.verb == Verb::retry ? but_for_pauses(link) : "");
    }
    // A single id that is not there is a slip; a filter that matches nothing is an answer.
    return count == 0 && by_id ? EX_DATAERR : EX_OK;
}

}  // namespace veredus
