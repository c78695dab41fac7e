#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sysexits.h>

#include "common/log/log.h"
#include "tools/shared/failure.h"
#include "tools/shared/links.h"
#include "tools/veredus/certificate_renewal.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

constexpr int kSettle_ms = 1000;
constexpr int kPause_ms = 2000;
constexpr int kLooks = 4;

// Files that are being replaced one after the other are all there within some seconds.
CertificatePair settled_certificate(const config::InstancePaths& paths) {
    for (int looks = 1;; ++looks) {
        try {
            return usable_certificate(paths, load_config(paths));
        } catch (const Failure&) {
            if (looks == kLooks) throw;
            ::poll(nullptr, 0, kPause_ms);
        }
    }
}

// Until what was handed over is what lies there: systemd does not tell of a change that comes while
// this runs.
CertificatePair hand_over_settled(const config::InstancePaths& paths,
                                  std::vector<std::string>& faults) {
    CertificatePair pair = settled_certificate(paths);
    for (std::string handed; pair.certificate != handed;) {
        faults = hand_over(pair, links_of(paths));
        handed = pair.certificate;
        pair = settled_certificate(paths);
    }
    return pair;
}

}  // namespace

int certificate_show_command(const config::InstancePaths& paths) {
    const config::Config config = load_config(paths);
    const auto file = paths.resolve(config.tls.certificate);
    const auto pair = read_certificate(file, paths.resolve(config.tls.key));
    fmt::print("{}\nfor {}\ngood until {} ({} days)\n", file.string(), fmt::join(pair.names, ", "),
               pair.good_until, pair.days_left);
    const std::string fault = pair.fault();
    if (!fault.empty()) fmt::print(stderr, "veredus: {}\n", fault);
    return fault.empty() ? EX_OK : EX_CONFIG;
}

int certificate_renew_command(const config::InstancePaths& paths, bool settle) {
    log::Log log("certificate");
    if (load_config(paths).log.json) log.set_shape(log::Shape::json);
    try {
        if (settle) ::poll(nullptr, 0, kSettle_ms);
        std::vector<std::string> faults;
        const auto pair = hand_over_settled(paths, faults);
        const int status = faults.empty() ? EX_OK : EX_UNAVAILABLE;
        for (const std::string& fault : faults)
            log.line(log::Level::error, {}, fault);
        if (status == EX_OK)
            log.line(log::Level::info, {},
                     fmt::format("new connections are served with a certificate for {}, good "
                                 "until {}",
                                 fmt::join(pair.names, ", "), pair.good_until));
        if (pair.days_left <= kDaysToRenew)
            log.line(log::Level::warning, {},
                     fmt::format("the certificate expires on {}, in {} days", pair.good_until,
                                 pair.days_left));
        return status;
    } catch (const Failure& failure) {
        log.line(log::Level::error, {}, failure.what());
        return failure.status;
    }
}

}  // namespace veredus
