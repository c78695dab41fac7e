#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
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
#include "tools/veredus/owner.h"

namespace veredus {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHostUser = "veredus";  // made by the packages

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

void make_accounts(const config::InstancePaths& paths, const config::Config& config) {
    const auto directory = spool::open_real_directory(paths.accounts_db().parent_path().string());
    const spool::AccountStore accounts(*directory, paths.accounts_db().filename().string(),
                                       config.domains);
}

void give_to(const fs::path& path, uid_t uid, gid_t gid) {
    if (::lchown(path.c_str(), uid, gid) != 0)
        throw Failure(EX_CANTCREAT,
                      fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

// Programs of a host write to localhost, too.
config::Config wanted_of_host(const InitOptions& options) {
    config::Config config = wanted_config(options);
    if (std::ranges::find(config.domains, "localhost") == config.domains.end())
        config.domains.emplace_back("localhost");
    config.local.users = true;
    return config;
}

// What is there stays as it is, so that a package may say this at each upgrade.
int init_host(const InitOptions& options) {
    const auto paths = config::InstancePaths::of_host();
    const passwd* owner = ::getpwnam(kHostUser);
    if (::getuid() != 0 || !owner)
        throw Failure(EX_UNAVAILABLE,
                      fmt::format("the installed host is set up by root, after the user {} was "
                                  "made; for an instance of your own name a directory",
                                  kHostUser));
    as_root([&] {
        const fs::path drop_ins = fs::path(paths.config_file()).replace_extension(".d");
        for (const fs::path& parent : {paths.tls(), drop_ins, paths.accounts_db().parent_path()})
            fs::create_directories(parent);
        make_directory(paths.accounts_db().parent_path(), 0700);
        for (const fs::path& own : {paths.spool(), paths.mail()})
            make_directory(own, 0700);
        make_directory(paths.run(), 0711);
        for (const fs::path& own :
             {paths.accounts_db().parent_path(), paths.spool(), paths.mail(), paths.run()})
            give_to(own, owner->pw_uid, owner->pw_gid);
        const config::Config config =
            fs::exists(paths.config_file()) ? load_config(paths) : wanted_of_host(options);
        if (!fs::exists(paths.tls() / "cert.pem")) {
            write_certificate(paths.tls(), config.hostname);
            // Without systemd the daemons read it themselves.
            give_to(paths.tls() / "key.pem", 0, owner->pw_gid);
            fs::permissions(paths.tls() / "key.pem", fs::perms(0640));
        }
        if (!fs::exists(paths.accounts_db())) {
            make_accounts(paths, config);
            give_to(paths.accounts_db(), owner->pw_uid, owner->pw_gid);
        }
        if (!fs::exists(paths.config_file())) {
            make_file(paths.config_file(), 0640, config::write(config));
            give_to(paths.config_file(), 0, owner->pw_gid);
        }
    });
    return EX_OK;
}

}  // namespace

int init_command(const InitOptions& options) {
    if (options.directory.empty()) return init_host(options);
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
    make_accounts(paths, config);
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
