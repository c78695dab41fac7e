#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/owner.h"
#include "tools/veredus/supervisor/supervisor.h"

namespace veredus {
namespace {

// /run is empty after each boot, and only root may write there; it is to be ours.
void make_run_directory(const config::InstancePaths& paths) {
    const uid_t owner = ::geteuid();
    const gid_t group = ::getegid();
    as_root([&] {
        std::error_code error;
        if (!std::filesystem::create_directories(paths.run(), error) || error) return;
        // Programs of other users may come to run/submission and no further.
        if (::chmod(paths.run().c_str(), 0711) != 0 ||
            ::chown(paths.run().c_str(), owner, group) != 0)
            throw Failure(EX_CANTCREAT, fmt::format("{}: {}", paths.run().string(),
                                                    std::generic_category().message(errno)));
    });
}

}  // namespace

int run_command(const config::InstancePaths& paths) {
    std::signal(SIGPIPE, SIG_IGN);
    const config::Config config = load_config(paths);
    make_run_directory(paths);
    log::Log log("supervisor");
    if (config.log.json) log.set_shape(log::Shape::json);
    supervisor::Supervisor supervisor(paths, config, log);
    return supervisor.run();
}

}  // namespace veredus
