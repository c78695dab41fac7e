#include <fmt/format.h>
#include <sysexits.h>

#include <cstdio>
#include <filesystem>

#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"

namespace veredus {

config::Config load_config(const config::InstancePaths& paths, config::Origins* origins) {
    const std::string file = paths.config_file().string();
    if (!std::filesystem::exists(file)) {
        const std::string directory =
            paths.directory().empty() ? "DIR" : paths.directory().string();
        throw Failure(EX_CONFIG,
                      fmt::format("there is no {}; make an instance with `veredus init {}`, and "
                                  "name it with -C",
                                  file, directory));
    }
    return load_config_file(file, origins);
}

config::Config load_config_file(const std::filesystem::path& file, config::Origins* origins) {
    auto config = config::Config::load(file, origins);
    if (config) return std::move(*config);
    for (const auto& error : config.error())
        fmt::print(stderr, "{}\n", error.text(file.string()));
    throw Failure(EX_CONFIG,
                  fmt::format("the configuration has {}", counted(config.error().size(), "error")));
}

}  // namespace veredus
