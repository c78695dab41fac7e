#include "tools/veredus/in_force.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/net/descriptor.h"
#include "tools/shared/failure.h"

namespace veredus {
namespace {

namespace fs = std::filesystem;

void replace_file(const fs::path& path, mode_t mode, const std::string& text) {
    const fs::path fresh = path.string() + ".new";
    const net::Descriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    const bool written =
        file && ::fchmod(file.get(), mode) == 0 &&
        ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::rename(fresh.c_str(), path.c_str()) != 0)
        throw Failure(EX_CANTCREAT,
                      fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

}  // namespace

void put_in_force(const config::InstancePaths& paths, const config::Config& config) {
    const auto put = [](const fs::path& file, int mode, const config::Config& part) {
        fs::create_directories(file.parent_path());
        fs::permissions(file.parent_path(), fs::perms(mode | (mode & 0444) >> 2));
        replace_file(file, static_cast<mode_t>(mode), config::write(part));
    };
    put(paths.active_config_with_passwords(), 0600, config);
    // locald reads it by its group.
    put(paths.active_config_file(), 0640, config::without_passwords(config));
}

void write_links(const config::InstancePaths& paths,
                 const std::map<std::string, std::string>& links) {
    std::string text;
    for (const auto& [name, path] : links)
        text += fmt::format("{} {}\n", name, path);
    replace_file(paths.links_file(), 0600, text);
}

}  // namespace veredus
