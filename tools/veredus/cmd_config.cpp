#include <fmt/format.h>
#include <sysexits.h>

#include <map>

#include "tools/veredus/commands.h"
#include "tools/veredus/in_force.h"
#include "tools/veredus/supervisor/graph.h"

namespace veredus {

int config_show_command(const config::InstancePaths& paths) {
    config::Origins origins;
    const config::Config config = load_config(paths, &origins);
    fmt::print("{}", config::show(config, origins));
    return EX_OK;
}

int config_check_command(const config::InstancePaths& paths, const std::string& file) {
    if (file.empty())
        load_config(paths);
    else
        load_config_file(file);
    fmt::print("{}: right\n", file.empty() ? paths.config_file().string() : file);
    return EX_OK;
}

int config_activate_command(const config::InstancePaths& paths) {
    put_in_force(paths, load_config(paths));
    std::map<std::string, std::string> links;
    for (const supervisor::DaemonRow& daemon : supervisor::graph())
        for (const std::string_view link : daemon.serves)
            links.emplace(link, paths.service_link(link).string());
    write_links(paths, links);
    return EX_OK;
}

}  // namespace veredus
