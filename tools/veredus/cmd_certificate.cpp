#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>

#include "common/daemon/parent_signals.h"
#include "common/log/log.h"
#include "tools/shared/failure.h"
#include "tools/shared/links.h"
#include "tools/veredus/certificate_renewal.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/supervisor/certificate_keeper.h"

namespace veredus {
namespace {

log::Log log_of(const config::Config& config) {
    log::Log log("certificate");
    if (config.log.json) log.set_shape(log::Shape::json);
    return log;
}

// Until SIGTERM.
class Watch {
  public:
    explicit Watch(const config::InstancePaths& paths)
        : paths_(paths),
          config_(load_config(paths)),
          links_(links_of(paths)),
          log_(log_of(config_)),
          signals_(daemon::take_parent_signals()),
          keeper_(paths_, config_, links_, log_, Clock::now()) {
        // What the daemons began with may be older.
        keeper_.hand_over_anew(Clock::now());
    }

    int run() {
        while (!ended_) {
            std::array<pollfd, 2> watched{
                {{signals_.get(), POLLIN, 0}, {keeper_.descriptor(), POLLIN, 0}}};
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(keeper_.next() - Clock::now());
            const auto wait = std::clamp<std::int64_t>(left.count(), 0, 60'000);
            ::poll(watched.data(), watched.size(), static_cast<int>(wait));
            if (watched[0].revents != 0) on_signal();
            if (watched[1].revents != 0) keeper_.on_changes(Clock::now());
            keeper_.act(Clock::now());
        }
        return EX_OK;
    }

  private:
    using Clock = std::chrono::steady_clock;

    void on_signal() {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) ended_ = true;
            if (info.ssi_signo == SIGHUP) reload();
        }
    }

    void reload() {
        try {
            config_ = load_config(paths_);
            keeper_.look_again(Clock::now());
        } catch (const Failure& failure) {
            log_.warning("{}: the old one stays in force", failure.what());
        }
    }

    const config::InstancePaths paths_;
    config::Config config_;
    const std::map<std::string, std::string> links_;
    log::Log log_;
    const net::Descriptor signals_;
    supervisor::CertificateKeeper keeper_;
    bool ended_ = false;
};

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

int certificate_renew_command(const config::InstancePaths& paths) {
    const auto pair = usable_certificate(paths, load_config(paths));
    const auto faults = hand_over(pair, links_of(paths));
    for (const std::string& fault : faults)
        fmt::print(stderr, "veredus: {}\n", fault);
    if (!faults.empty()) return EX_UNAVAILABLE;
    fmt::print("new connections are served with a certificate for {}, good until {}\n",
               fmt::join(pair.names, ", "), pair.good_until);
    return EX_OK;
}

int certificate_watch_command(const config::InstancePaths& paths) {
    return Watch(paths).run();
}

}  // namespace veredus
