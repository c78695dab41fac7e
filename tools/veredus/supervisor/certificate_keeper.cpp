#include "tools/veredus/supervisor/certificate_keeper.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <set>

#include "tools/shared/failure.h"
#include "tools/veredus/certificate_renewal.h"
#include "tools/veredus/owner.h"

namespace veredus::supervisor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A renewal writes several files one after the other, and what is there in between is of no use.
constexpr auto kSettle = 500ms;
constexpr auto kAgain = 2s;
constexpr unsigned kLooks = 4;
constexpr auto kDay = 24h;

}  // namespace

CertificateKeeper::CertificateKeeper(const config::InstancePaths& paths,
                                     const config::Config& config,
                                     const std::map<std::string, std::string>& links, log::Log& log,
                                     Time now)
    : paths_(paths), config_(config), links_(links), log_(log), next_expiry_(now) {
    watch();
    try {
        in_use_ = usable_certificate(paths_, config_).certificate;
    } catch (const Failure&) {
        return;  // the daemons say so themselves
    }
}

void CertificateKeeper::watch_directory(const fs::path& directory) {
    as_root([&] {
        ::inotify_add_watch(changes_.get(), directory.c_str(),
                            IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR);
    });
}

// Each file's directory, and where the file is a link, as certbot's are, that of what it leads to.
void CertificateKeeper::watch() {
    changes_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    std::set<fs::path> directories;
    for (const auto& file :
         {paths_.resolve(config_.tls.certificate), paths_.resolve(config_.tls.key)}) {
        directories.insert(file.parent_path());
        std::error_code absent;
        as_root([&] { directories.insert(fs::canonical(file, absent).parent_path()); });
    }
    for (const fs::path& directory : directories)
        if (!directory.empty()) watch_directory(directory);
}

void CertificateKeeper::on_changes(Time now) {
    std::array<char, 4096> events;
    while (::read(changes_.get(), events.data(), events.size()) > 0) {
    }
    failed_ = 0;
    next_look_ = now + kSettle;
}

void CertificateKeeper::look_again(Time now) {
    failed_ = 0;
    next_look_ = now;
}

void CertificateKeeper::hand_over_anew(Time now) {
    in_use_.clear();
    look_again(now);
}

void CertificateKeeper::act(Time now) {
    if (now >= next_look_) look(now);
    if (now < next_expiry_) return;
    next_expiry_ = now + kDay;
    try {
        const auto pair = usable_certificate(paths_, config_);
        if (pair.days_left <= kDaysToRenew)
            log_.warning("the certificate expires on {}, in {} days", pair.good_until,
                         pair.days_left);
    } catch (const Failure& failure) {
        log_.error("{}", failure.what());
    }
}

void CertificateKeeper::look(Time now) {
    next_look_ = Time::max();
    watch();
    try {
        const auto pair = usable_certificate(paths_, config_);
        failed_ = 0;
        if (pair.certificate == in_use_) return;
        for (const std::string& fault : hand_over(pair, links_))
            log_.error("{}", fault);
        in_use_ = pair.certificate;
        log_.info("a new certificate is in use; it is good until {}", pair.good_until);
    } catch (const Failure& failure) {
        if (++failed_ < kLooks)
            next_look_ = now + kAgain;
        else
            log_.error("{}", failure.what());
    }
}

}  // namespace veredus::supervisor
