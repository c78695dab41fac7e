// Writes the units; meson runs it when it installs (MESON_INSTALL_DESTDIR_PREFIX).
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tools/veredus/systemd/units.h"

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    if (argc != 2) return 64;
    const char* destination = std::getenv("DESTDIR");
    const fs::path directory = std::string(destination ? destination : "") + argv[1];
    fs::create_directories(directory);
    for (const auto& [name, text] :
         veredus::systemd::units(veredus::config::InstancePaths::of_host())) {
        std::ofstream file(directory / name);
        file << text;
        if (!file.flush()) return 73;
    }
}
