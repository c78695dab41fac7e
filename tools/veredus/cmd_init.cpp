#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/config/names.h"
#include "common/net/descriptor.h"
#include "spool/account/account_store.h"
#include "spool/disk/real_disk.h"
#include "tools/shared/failure.h"
#include "tools/veredus/certificate.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

namespace fs = std::filesystem;

void make_directory(const fs::path& path, unsigned mode) {
    if ((::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) || ::chmod(path.c_str(), mode) != 0)
        throw Failure(EX_CANTCREAT,
                      fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

void make_file(const fs::path& path, unsigned mode, const std::string& text) {
    const net::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    const auto size = static_cast<ssize_t>(text.size());
    if (!file || ::fchmod(file.get(), mode) != 0 ||
        ::write(file.get(), text.data(), text.size()) != size)
        throw Failure(EX_CANTCREAT,
                      fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

// The configuration as asked for, brought into its one spelling and checked as any other.
config::Config wanted_config(const InitOptions& options) {
    config::Config config;
    config.hostname = options.hostname;
    if (config.hostname.empty()) config.hostname = config::host_name();
    config.domains = options.domains;
    if (config.domains.empty()) config.domains = {config.hostname};
    if (!options.listen.empty()) config.listen.address = options.listen;
    config.listen.port_base = options.port_base;
    auto checked = config::Config::parse(config::write(config));
    if (checked) return std::move(*checked);
    const config::ConfigError& error = checked.error().front();
    throw Failure(EX_USAGE, fmt::format("{}: {}", error.key, error.message));
}

void refuse_to_overwrite(const fs::path& directory) {
    std::error_code error;
    if (fs::exists(directory / "veredus.toml"))
        throw Failure(EX_CANTCREAT, fmt::format("{} is an instance already; it stays as it is",
                                                directory.string()));
    if (fs::exists(directory) && !fs::is_empty(directory, error))
        throw Failure(EX_CANTCREAT, fmt::format("{} is not empty; name a directory that is, or "
                                                "that is not there yet",
                                                directory.string()));
}

void write_certificate(const fs::path& tls, const std::string& hostname) {
    std::vector<std::string> names{hostname};
    if (hostname != "localhost") names.emplace_back("localhost");
    const NewCertificate made = make_certificate(names, {"127.0.0.1", "::1"});
    make_file(tls / "ca.pem", 0644, made.authority);
    make_file(tls / "cert.pem", 0644, made.certificate);
    make_file(tls / "key.pem", 0600, made.key);
}

}  // namespace

int init_command(const InitOptions& options) {
    const auto paths = config::InstancePaths::of_directory(options.directory);
    const config::Config config = wanted_config(options);
    refuse_to_overwrite(paths.directory());
    std::error_code error;
    fs::create_directories(paths.directory().parent_path(), error);
    // Programs of other users may come to run/submission, and read tls/ca.pem, and no further.
    make_directory(paths.directory(), 0755);
    make_directory(paths.tls(), 0755);
    make_directory(paths.run(), 0711);
    make_directory(paths.spool(), 0700);
    make_directory(paths.mail(), 0700);
    write_certificate(paths.tls(), config.hostname);
    const auto directory = spool::open_real_directory(paths.directory().string());
    const spool::AccountStore accounts(*directory, paths.accounts_db().filename().string(),
                                       config.domains);
    // Last, since it is what makes a directory an instance.
    make_file(paths.config_file(), 0600, config::write(config));
    fmt::print(
        "{} is ready. Next:\n"
        "  veredus -C {} user add NAME@{}\n"
        "  veredus -C {} run\n",
        paths.directory().string(), options.directory, config.domains.front(), options.directory);
    return EX_OK;
}

}  // namespace veredus
