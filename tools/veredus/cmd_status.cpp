#include <fmt/format.h>
#include <sysexits.h>

#include <nlohmann/json.hpp>

#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/ask_supervisor.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/paused_report.h"
#include "tools/veredus/supervisor/status_report.h"
#include "tools/veredus/systemd/services_report.h"

namespace veredus {
namespace {

using nlohmann::json;

void add_depth(const config::InstancePaths& paths, json& report) {
    try {
        const auto depth = AdminLink(paths).count();
        report["mended"] = {{"recipients", depth.mended.recipients},
                            {"workers", depth.mended.workers},
                            {"last", depth.mended.last_us / 1'000'000}};
        report["disk"] = {{"free", depth.disk_free}, {"room", depth.room_left}};
        report["paused"] = paused_report(depth);
        report["queue"] = {{"messages", depth.messages},
                           {"bytes", depth.bytes},
                           {"active", depth.active},
                           {"deferred", depth.deferred},
                           {"held", depth.held}};
    } catch (const Failure&) {
        report["queue"] = nullptr;
        report["ready"] = false;
    }
}

void print_for_people(const json& report) {
    for (const json& daemon : report["daemons"]) {
        std::string where;
        for (const json& listening : daemon.value("listening", json::array()))
            where += fmt::format("{}{}", where.empty() ? "  " : " ",
                                 listening["address"].get<std::string>());
        fmt::print("{:<9} {:<9} {:>7}{}\n", daemon["name"].get<std::string>(),
                   daemon["state"].get<std::string>(), daemon["pid"].get<int>(), where);
    }
    for (const json& setting : report.value("at_next_start", json::array()))
        fmt::print("configuration: {}\n",
                   supervisor::at_next_start_text(setting.get<std::string>()));
    const json& queue = report["queue"];
    if (queue.is_null()) {
        fmt::print("queue: queued does not answer\n");
        return;
    }
    const auto number = [&](const char* name) { return queue[name].get<std::uint64_t>(); };
    fmt::print("queue: {}, {} bytes; {} active, {} deferred, {} held\n",
               counted(number("messages"), "message"), number("bytes"), number("active"),
               number("deferred"), number("held"));
    if (!report["disk"]["room"].get<bool>())
        fmt::print("disk: {} bytes free, less than queue.min_free: mail is refused with 452\n",
                   report["disk"]["free"].get<std::uint64_t>());
    const json& mended = report["mended"];
    if (mended["last"].get<std::int64_t>() != 0)
        fmt::print(
            "watchdog: {} recipients were in nobody's hands, {} workers were silent; mended\n",
            mended["recipients"].get<std::uint64_t>(), mended["workers"].get<std::uint64_t>());
    for (const json& pause : report["paused"]) {
        const auto name = pause["name"].get<std::string>();
        fmt::print("paused: {} {}\n", pause["of"].get<std::string>(), name.empty() ? "<>" : name);
    }
}

}  // namespace

int status_command(const config::InstancePaths& paths, bool as_json) {
    auto report = ask_supervisor(paths);
    if (!report && systemd_runs(paths)) report = systemd::services_report();
    if (!report) {
        if (as_json)
            fmt::print("{}\n", json{{"ready", false}, {"daemons", json::array()}}.dump());
        else
            fmt::print("not running\n");
        return EX_UNAVAILABLE;
    }
    add_depth(paths, *report);
    if (as_json)
        fmt::print("{}\n", report->dump());
    else
        print_for_people(*report);
    return (*report)["ready"].get<bool>() ? EX_OK : EX_UNAVAILABLE;
}

}  // namespace veredus
