#include <fmt/format.h>
#include <sysexits.h>

#include <map>

#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/story.h"

namespace veredus {
namespace {

using namespace ipc::admin;

// The filters that together find all messages that `what` may mean.
std::vector<Filter> filters_of(const std::string& what) {
    if (const auto id = mail::QueueId::parse(what)) return {Filter{.ids = {*id}}};
    if (what.starts_with('<')) return {Filter{}};
    return {Filter{.sender = what}, Filter{.recipient = what}};
}

bool is_meant(const Row& row, const std::string& what) {
    return !what.starts_with('<') || row.message_id == what;
}

}  // namespace

int trace_command(const config::InstancePaths& paths, const std::string& what) {
    AdminLink link(paths);
    std::map<mail::QueueId, std::string> stories;
    for (const Filter& filter : filters_of(what))
        link.list(filter, true, [&](const Row& row) {
            if (is_meant(row, what)) stories.emplace(row.id, story(row));
        });
    if (stories.empty()) throw Failure(EX_DATAERR, fmt::format("nothing is known of {}", what));
    bool first = true;
    for (const auto& [id, text] : stories) {
        fmt::print("{}{}", first ? "" : "\n", text);
        first = false;
    }
    return EX_OK;
}

}  // namespace veredus
