#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::config {

// Where the parts of an instance lie: below one directory (`veredus -C DIR`), or at the places of
// an installed host.
class InstancePaths {
  public:
    // The environment of every daemon and tool: the instance's directory (unset: the installed
    // host), and the configuration file where it is not the instance's own veredus.toml.
    static constexpr const char* kInstanceVariable = "VEREDUS_INSTANCE";
    static constexpr const char* kConfigVariable = "VEREDUS_CONFIG";

    static InstancePaths of_directory(const std::filesystem::path& directory);  // made absolute
    static InstancePaths of_host();
    static InstancePaths from_environment();

    // Empty for an installed host.
    const std::filesystem::path& directory() const { return directory_; }
    const std::filesystem::path& config_file() const { return config_file_; }
    const std::filesystem::path& tls() const { return tls_; }      // directory
    const std::filesystem::path& run() const { return run_; }      // directory of sockets
    const std::filesystem::path& spool() const { return spool_; }  // directory of queued
    const std::filesystem::path& mail() const { return mail_; }    // directory of mailboxd
    const std::filesystem::path& accounts_db() const { return accounts_db_; }  // file

    const std::filesystem::path& aliases() const { return aliases_; }  // aliases(5)

    // The SMTP socket for programs of this host (mode 0666), and the supervisor's own.
    std::filesystem::path submission_socket() const { return run_ / "submission"; }
    std::filesystem::path status_socket() const { return run_ / "status"; }
    // The configuration a running instance lives by: the last one found good, alone in its
    // directory, so that a daemon may read it again on SIGHUP without a right to anything beside
    // it.
    std::filesystem::path active_config_file() const { return run_ / "config" / "veredus.toml"; }
    // The same with the passwords of next hops, which the other has not: for who logs in there.
    std::filesystem::path active_config_with_passwords() const {
        return run_ / "config.relayd" / "veredus.toml";
    }
    // Where the links' sockets are, for the administrator's command (mode 0600): lines "name path".
    std::filesystem::path links_file() const { return run_ / "links"; }

    // A link's socket where systemd runs the daemons, in a directory of its own.
    std::filesystem::path service_link(std::string_view link) const {
        return run_ / "link" / link / "socket";
    }

    // Where the certificate and its key are read: for a service of systemd the credentials that it
    // was given (systemd.exec(5), LoadCredential), else the files that the configuration names.
    static constexpr const char* kCertificateCredential = "tls.certificate";
    static constexpr const char* kKeyCredential = "tls.key";
    std::filesystem::path certificate(const std::string& configured) const;
    std::filesystem::path key(const std::string& configured) const;

    // A path from the configuration: relative ones count from the directory of the instance's
    // veredus.toml.
    std::filesystem::path resolve(const std::string& path) const;

  private:
    InstancePaths() = default;

    std::filesystem::path directory_, config_file_, config_base_, tls_, run_, spool_, mail_,
        accounts_db_, aliases_;
};

}  // namespace veredus::config
