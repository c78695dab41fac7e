#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "common/config/names.h"
#include "common/sandbox/landlock.h"
#include "spool/account/account_store.h"
#include "spool/disk/real_disk.h"
#include "spool/disk/sqlite.h"
#include "spool/queue/repair.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/veredus/certificate.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

namespace fs = std::filesystem;

// What is found, and what to do about it. Errors keep the instance from serving; notes do not.
class Findings {
  public:
    void error(const std::string& what, const std::string& mend) {
        ++errors_;
        fmt::print("error: {}\n  mend: {}\n", what, mend);
    }
    void note(const std::string& what, const std::string& mend) {
        ++notes_;
        fmt::print("note: {}\n  mend: {}\n", what, mend);
    }
    int result() const {
        if (errors_ + notes_ == 0) fmt::print("nothing to mend\n");
        return errors_ == 0 ? EX_OK : EX_CONFIG;
    }

  private:
    unsigned errors_ = 0;
    unsigned notes_ = 0;
};

void check_names(const config::Config& config, Findings& findings) {
    if (config.hostname.find('.') == std::string::npos)
        findings.note(fmt::format("hostname \"{}\" has no domain; other hosts may refuse it",
                                  config.hostname),
                      "set hostname to the full name, e.g. \"mx.example.org\"");
}

void check_certificate(const config::InstancePaths& paths, const config::Config& config,
                       Findings& findings) {
    const fs::path file = paths.resolve(config.tls.certificate);
    const std::string mend = "put a certificate and its key at tls.certificate and tls.key";
    try {
        const CertificatePair facts = read_certificate(file, paths.resolve(config.tls.key));
        if (const std::string fault = facts.fault(); !fault.empty())
            findings.error(fmt::format("{}: {}", file.string(), fault), mend);
        else if (facts.days_left < kDaysToRenew)
            findings.note(fmt::format("{} expires in {} days", file.string(), facts.days_left),
                          "renew it; what lies there then is in use at once");
        if (std::ranges::none_of(facts.names, [&](const std::string& name) {
                return covers(config::lower_case(name), config.hostname);
            }))
            findings.note(fmt::format("{} is not for {}; clients will complain", file.string(),
                                      config.hostname),
                          "get one that names the host");
    } catch (const std::exception& error) {
        findings.error(error.what(), mend);
    }
}

void check_directory(const fs::path& path, bool is_private, Findings& findings) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        findings.error(
            fmt::format("{} is not there", path.string()),
            fmt::format("mkdir -m 0700 {}, owned by who runs the daemons", path.string()));
        return;
    }
    if (::eaccess(path.c_str(), R_OK | W_OK | X_OK) != 0)
        findings.error(fmt::format("{} is not yours to write", path.string()),
                       "run this as the owner of the instance, or as root");
    if (is_private && (status.st_mode & 0077) != 0)
        findings.error(fmt::format("{} is open to other users", path.string()),
                       fmt::format("chmod 0700 {}", path.string()));
}

void check_key_mode(const config::InstancePaths& paths, const config::Config& config,
                    Findings& findings) {
    struct stat status{};
    const fs::path key = paths.resolve(config.tls.key);
    if (::stat(key.c_str(), &status) == 0 && (status.st_mode & 0004) != 0)
        findings.error(fmt::format("{} can be read by everybody", key.string()),
                       fmt::format("chmod o-r {}", key.string()));
}

void check_accounts(const config::InstancePaths& paths, const config::Config& config,
                    Findings& findings) {
    const fs::path file = paths.accounts_db();
    try {
        const auto directory = spool::open_real_directory(file.parent_path().string());
        if (!directory->exists(file.filename().string())) {
            findings.error(fmt::format("{} is not there", file.string()),
                           "veredus user add makes it");
            return;
        }
        spool::AccountStore accounts(*directory, file.filename().string(), config.domains);
        for (const std::string& damage : accounts.check())
            findings.error(fmt::format("{}: {}", file.string(), damage),
                           "restore it from a backup");
        if (accounts.users().empty())
            findings.note("there is no user: nobody can log in, and no mail is taken",
                          "veredus user add");
    } catch (const std::exception& error) {
        findings.error(fmt::format("{}: {}", file.string(), error.what()),
                       "restore it from a backup, or see who holds it");
    }
}

// Where queued runs nobody else opens its database, and it would not run with one that is damaged.
void check_queue_at_rest(const config::InstancePaths& paths, Findings& findings) {
    if (!fs::is_directory(paths.spool())) return;
    const std::string mend = "see who may read and write spool/, and the disk";
    try {
        const auto directory = spool::open_real_directory(paths.spool().string());
        for (const std::string& found : spool::check_queue_database(*directory))
            findings.error(found, "with the instance stopped: veredus spool repair");
    } catch (const spool::DatabaseError& error) {
        if (!error.busy()) findings.error(error.what(), mend);
    } catch (const spool::DiskError& error) {
        findings.error(error.what(), mend);
    }
}

void check_queue(const config::InstancePaths& paths, Findings& findings) {
    try {
        const auto depth = AdminLink(paths).count();
        if (!depth.room_left)
            findings.note(fmt::format("the disk of the queue has {} bytes free, less than "
                                      "queue.min_free: mail is refused with 452",
                                      depth.disk_free),
                          "make room on the disk of spool/; mail is then taken by itself");
        const auto& mended = depth.mended;
        if (mended.last_us == 0) return;
        findings.note(
            fmt::format("the queue's watchdog had to mend something since it started: {} "
                        "recipients were in nobody's hands, {} workers were silent",
                        mended.recipients, mended.workers),
            "it is mended; look for \"nobody's hands\" and \"cut off\" in the log and report it");
    } catch (const Failure&) {
        check_queue_at_rest(paths, findings);
    }
}

void check_kernel(Findings& findings) {
    for (const std::string& lacking : sandbox::lacking_in(sandbox::landlock_abi()))
        findings.note(lacking,
                      "run a newer kernel, or one with Landlock switched on (lsm=landlock)");
}

}  // namespace

int check_command(const config::InstancePaths& paths) {
    const config::Config config = load_config(paths);
    Findings findings;
    check_names(config, findings);
    check_certificate(paths, config, findings);
    check_key_mode(paths, config, findings);
    check_directory(paths.spool(), true, findings);
    check_directory(paths.mail(), true, findings);
    check_directory(paths.run(), false, findings);
    check_accounts(paths, config, findings);
    check_queue(paths, findings);
    check_kernel(findings);
    return findings.result();
}

}  // namespace veredus
