#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "common/config/config.h"
#include "common/config/instance.h"
#include "common/log/log.h"
#include "common/net/descriptor.h"
#include "tools/veredus/supervisor/time.h"

namespace veredus::supervisor {

// Watches the files of certificate and key, and hands a renewed pair to the daemons. A pair that
// cannot serve is reported and not handed on; so is one that expires within two weeks, once a day.
// One thread; whoever drives it calls its functions when their hour has come.
class CertificateKeeper {
  public:
    CertificateKeeper(const config::InstancePaths& paths, const config::Config& config,
                      const std::map<std::string, std::string>& links, log::Log& log, Time now);

    int descriptor() const { return changes_.get(); }
    // When the descriptor can be read.
    void on_changes(Time now);
    // After a new configuration.
    void look_again(Time now);
    // Where nobody knows what the daemons have.
    void hand_over_anew(Time now);
    Time next() const { return std::min(next_look_, next_expiry_); }
    void act(Time now);

  private:
    void watch();
    void watch_directory(const std::filesystem::path& directory);
    void look(Time now);

    const config::InstancePaths& paths_;
    const config::Config& config_;
    const std::map<std::string, std::string>& links_;
    log::Log& log_;
    net::Descriptor changes_;  // inotify(7)
    Time next_look_ = Time::max();
    Time next_expiry_;
    unsigned failed_ = 0;  // looks in a row
    std::string in_use_;   // PEM
};

}  // namespace veredus::supervisor
