// veredus spool check, repair: whether what lies on disk is what it should be.
#include <fmt/format.h>
#include <sysexits.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "spool/disk/real_disk.h"
#include "spool/disk/sqlite.h"
#include "spool/queue/repair.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

// Where queued runs it looks itself, since nobody else may open what it has open.
spool::SpoolFindings findings_of(const config::InstancePaths& paths) {
    try {
        const auto directory = spool::open_real_directory(paths.spool());
        return spool::check_spool(*directory);
    } catch (const spool::DatabaseError& error) {
        if (!error.busy()) throw;
    }
    spool::SpoolFindings out;
    AdminLink(paths).check([&](ipc::admin::Checked part) {
        out.messages += part.messages;
        std::ranges::move(part.findings, std::back_inserter(out.findings));
    });
    return out;
}

}  // namespace

int spool_check_command(const config::InstancePaths& paths, bool as_json) {
    const auto found = findings_of(paths);
    const bool well = found.findings.empty();
    if (as_json) {
        fmt::print("{}\n",
                   nlohmann::ordered_json{
                       {"ok", well}, {"messages", found.messages}, {"findings", found.findings}}
                       .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return well ? EX_OK : EX_DATAERR;
    }
    for (const auto& finding : found.findings)
        fmt::print("{}\n", finding);
    if (well)
        fmt::print("{}, {}\n", counted(found.messages, "message"),
                   found.messages == 1 ? "as it arrived" : "all as they arrived");
    else
        fmt::print("{}; stop the instance, then: veredus spool repair\n",
                   counted(found.findings.size(), "finding"));
    return well ? EX_OK : EX_DATAERR;
}

int spool_repair_command(const config::InstancePaths& paths) {
    const auto config = load_config(paths);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const spool::RepairOptions options{
        .postmaster = "postmaster@" + config.domains.front(),
        .now_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
    try {
        const auto directory = spool::open_real_directory(paths.spool());
        const auto done = spool::repair_spool(*directory, options);
        for (const auto& line : done)
            fmt::print("{}\n", line);
        if (done.empty()) fmt::print("nothing to repair\n");
    } catch (const spool::DatabaseError& error) {
        if (!error.busy()) throw;
        throw Failure(EX_TEMPFAIL, "the instance runs: stop it, then repair");
    }
    return EX_OK;
}

}  // namespace veredus
