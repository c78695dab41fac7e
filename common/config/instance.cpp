#include "common/config/instance.h"

#include <cstdlib>

namespace veredus::config {
namespace fs = std::filesystem;
namespace {

std::optional<fs::path> credential(const char* name) {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (!directory) return std::nullopt;
    fs::path file = fs::path(directory) / name;
    std::error_code error;
    return fs::exists(file, error) ? std::optional(std::move(file)) : std::nullopt;
}

}  // namespace

InstancePaths InstancePaths::of_directory(const fs::path& directory) {
    InstancePaths paths;
    paths.directory_ = fs::absolute(directory).lexically_normal();
    if (!paths.directory_.has_filename()) paths.directory_ = paths.directory_.parent_path();
    paths.config_base_ = paths.directory_;
    paths.config_file_ = paths.directory_ / "veredus.toml";
    paths.tls_ = paths.directory_ / "tls";
    paths.run_ = paths.directory_ / "run";
    paths.spool_ = paths.directory_ / "spool";
    paths.mail_ = paths.directory_ / "mail";
    paths.accounts_db_ = paths.directory_ / "accounts.db";
    paths.aliases_ = paths.directory_ / "aliases";
    return paths;
}

InstancePaths InstancePaths::of_host() {
    InstancePaths paths;
    paths.config_base_ = "/etc/veredus";
    paths.config_file_ = "/etc/veredus/veredus.toml";
    paths.tls_ = "/etc/veredus/tls";
    paths.run_ = "/run/veredus";
    paths.spool_ = "/var/spool/veredus";
    paths.mail_ = "/var/lib/veredus/mail";
    paths.accounts_db_ = "/var/lib/veredus/accounts.db";
    paths.aliases_ = "/etc/aliases";
    return paths;
}

InstancePaths InstancePaths::from_environment() {
    const char* directory = std::getenv(kInstanceVariable);
    InstancePaths paths = directory && *directory ? of_directory(directory) : of_host();
    const char* file = std::getenv(kConfigVariable);
    if (file && *file) paths.config_file_ = fs::absolute(file).lexically_normal();
    return paths;
}

fs::path InstancePaths::resolve(const std::string& path) const {
    return config_base_ / path;
}

fs::path InstancePaths::certificate(const std::string& configured) const {
    return credential(kCertificateCredential).value_or(resolve(configured));
}

fs::path InstancePaths::key(const std::string& configured) const {
    return credential(kKeyCredential).value_or(resolve(configured));
}

}  // namespace veredus::config
