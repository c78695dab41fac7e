#include "tools/shared/links.h"

#include <sysexits.h>

#include <fstream>

#include "tools/shared/failure.h"

namespace veredus {

std::map<std::string, std::string> links_of(const config::InstancePaths& paths) {
    std::ifstream file(paths.links_file());
    std::map<std::string, std::string> links;
    for (std::string name, path; file >> name >> path;)
        links.emplace(name, path);
    if (links.empty())
        throw Failure(EX_UNAVAILABLE, "the instance does not run (or is not yours to administer)");
    return links;
}

}  // namespace veredus
