#include <sysexits.h>

#include <csignal>

#include "tools/veredus/commands.h"
#include "tools/veredus/supervisor/supervisor.h"

namespace veredus {

int run_command(const config::InstancePaths& paths) {
    std::signal(SIGPIPE, SIG_IGN);
    const config::Config config = load_config(paths);
    log::Log log("supervisor");
    supervisor::Supervisor supervisor(paths, config, log);
    return supervisor.run();
}

}  // namespace veredus
