// systemd.generator(7): brings what veredus.toml says of ports and certificate into the units. What
// is wrong with the file is veredus.service's to say; a generator must never keep a host from
// starting.
#include <filesystem>
#include <fstream>

#include "tools/veredus/systemd/units.h"

int main(int argc, char** argv) {
    using namespace veredus;
    namespace fs = std::filesystem;
    if (argc < 2) return 64;
    const auto paths = config::InstancePaths::of_host();
    const auto config = config::Config::load(paths.config_file());
    if (!config) return 0;
    for (const auto& [name, text] : systemd::drop_ins(paths, *config)) {
        const fs::path file = fs::path(argv[1]) / name;
        std::error_code error;
        fs::create_directories(file.parent_path(), error);
        std::ofstream(file) << text;
    }
}
