#pragma once

#include <map>
#include <string>

#include "common/config/config.h"
#include "common/config/instance.h"

namespace veredus {

// Both are replaced in one step: a daemon that reads sees the old or the new. They throw Failure.

// From now on daemons that start or get SIGHUP live by this configuration.
void put_in_force(const config::InstancePaths& paths, const config::Config& config);
// For the administrator's commands: the ways to the links, by name.
void write_links(const config::InstancePaths& paths,
                 const std::map<std::string, std::string>& links);

}  // namespace veredus
