#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "common/mailq/mailq.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/story.h"

namespace veredus {
namespace {

using namespace ipc::admin;

struct VerbRow {
    std::string_view name;
    Verb verb;
    std::string_view past;
};

constexpr std::array<VerbRow, 5> kVerbs{{{"hold", Verb::hold, "held"},
                                         {"release", Verb::release, "released"},
                                         {"retry", Verb::retry, "to be tried now"},
                                         {"delete", Verb::remove, "deleted"},
                                         {"bounce", Verb::bounce, "returned"}}};

std::string messages(std::uint64_t count) {
    return count == 1 ? "1 message" : fmt::format("{} messages", count);
}

}  // namespace

int queue_list_command(const config::InstancePaths& paths, const std::vector<std::string>& filter,
                       bool json) {
    AdminLink link(paths);
    mailq::Table table;
    link.list(parse_filter(filter), false, [&](const Row& row) {
        const mailq::Message message = mailq::message_of(row);
        fmt::print("{}", json ? mailq::to_json(message) + "\n" : table.row(message));
    });
    if (!json) fmt::print("{}", table.end());
    return EX_OK;
}

int queue_show_command(const config::InstancePaths& paths, const std::vector<std::string>& filter) {
    AdminLink link(paths);
    std::uint64_t count = 0;
    link.list(parse_filter(filter), true, [&](const Row& row) {
        fmt::print("{}{}", count++ == 0 ? "" : "\n", story_text(story_of(row)));
    });
    if (count == 0) throw Failure(EX_DATAERR, "no such message in the queue");
    return EX_OK;
}

int queue_body_command(const config::InstancePaths& paths, const std::string& id) {
    const auto queue_id = mail::QueueId::parse(id);
    if (!queue_id) throw Failure(EX_USAGE, fmt::format("\"{}\" is not a queue id", id));
    AdminLink link(paths);
    const net::Descriptor body = link.body(*queue_id);
    std::array<char, 65536> piece{};
    ssize_t length = 0;
    for (off_t at = 0; (length = ::pread(body.get(), piece.data(), piece.size(), at)) > 0;
         at += length)
        if (std::fwrite(piece.data(), 1, static_cast<std::size_t>(length), stdout) !=
            static_cast<std::size_t>(length))
            throw Failure(EX_IOERR, "cannot write");
    if (length < 0) throw Failure(EX_IOERR, "the message cannot be read");
    return EX_OK;
}

int queue_act_command(const config::InstancePaths& paths, const std::string& verb,
                      const std::vector<std::string>& filter, bool dry_run) {
    const auto* const row = std::ranges::find(kVerbs, verb, &VerbRow::name);
    const Filter wanted = parse_filter(filter);
    AdminLink link(paths);
    if (dry_run) {
        std::uint64_t count = 0;
        link.list(wanted, false, [&](const Row&) { ++count; });
        fmt::print("{} would be {}\n", messages(count), row->past);
        return EX_OK;
    }
    const std::uint64_t count = link.act(row->verb, wanted);
    fmt::print("{} {}\n", messages(count), row->past);
    // A single id that is not there is a slip; a filter that matches nothing is an answer.
    return count == 0 && !wanted.ids.empty() ? EX_DATAERR : EX_OK;
}

}  // namespace veredus
