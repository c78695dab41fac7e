#pragma once

#include <map>
#include <string>

#include "common/config/instance.h"

namespace veredus {

// The paths of the links of an instance that runs, by name. Throws Failure (EX_UNAVAILABLE) where
// none does, or none that is the caller's to administer.
std::map<std::string, std::string> links_of(const config::InstancePaths& paths);

}  // namespace veredus
