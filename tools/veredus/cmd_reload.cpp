// veredus reload: the configuration is read again by all daemons, or by none.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "tools/shared/failure.h"
#include "tools/veredus/ask_supervisor.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/owner.h"
#include "tools/veredus/supervisor/status_report.h"

namespace veredus {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

unsigned reloads(const json& report) {
    return report.at("reloads").get<unsigned>();
}

void tell(pid_t supervisor) {
    int why = 0;
    as_root([&] {
        if (::kill(supervisor, SIGHUP) != 0) why = errno;
    });
    if (why != 0)
        throw Failure(EX_NOPERM, fmt::format("cannot tell process {} to read it: {}", supervisor,
                                             std::generic_category().message(why)));
}

// The supervisor does it between two other things, so it takes no time to speak of.
json told(const config::InstancePaths& paths, const json& before) {
    const auto patience = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < patience) {
        const auto now = ask_supervisor(paths);
        if (!now) throw Failure(EX_UNAVAILABLE, "it stopped running meanwhile");
        if (reloads(*now) != reloads(before)) return *now;
        std::this_thread::sleep_for(10ms);
    }
    throw Failure(EX_TEMPFAIL, "it has not been read after 10 seconds; the log says why");
}

[[noreturn]] void tell_systemd() {
    as_root([] { ::execlp("systemctl", "systemctl", "reload", "veredus", nullptr); });
    throw Failure(EX_OSERR, "cannot start systemctl");
}

}  // namespace

int reload_command(const config::InstancePaths& paths) {
    load_config(paths);
    const auto before = ask_supervisor(paths);
    if (!before && systemd_runs(paths)) tell_systemd();
    if (!before) throw Failure(EX_UNAVAILABLE, "not running: the next start reads it");
    tell(before->at("daemons").at(0).at("pid").get<pid_t>());
    const auto now = told(paths, *before);
    fmt::print("{}: read again\n", paths.config_file().string());
    for (const json& setting : now.at("at_next_start"))
        fmt::print("{}\n", supervisor::at_next_start_text(setting.get<std::string>()));
    return EX_OK;
}

}  // namespace veredus
