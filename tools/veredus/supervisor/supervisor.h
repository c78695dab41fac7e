#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/instance.h"
#include "common/log/log.h"
#include "common/net/descriptor.h"
#include "tools/veredus/supervisor/certificate_keeper.h"
#include "tools/veredus/supervisor/children.h"
#include "tools/veredus/supervisor/instance_lock.h"
#include "tools/veredus/supervisor/sockets.h"

namespace veredus::supervisor {

// `veredus run`: opens all sockets, starts all daemons, keeps them running. SIGHUP reads the
// configuration again and tells all daemons if it is good; SIGTERM and SIGINT stop them, those who
// face clients first. One thread and one poll().
class Supervisor {
  public:
    // Binds, locks and writes what the daemons need; starts nothing. Throws Failure.
    Supervisor(const config::InstancePaths& paths, const config::Config& config, log::Log& log);

    // Until it was told to stop and all daemons have ended. Returns a code of sysexits.h.
    int run();

  private:
    std::vector<Child> make_children() const;
    std::vector<std::string> settings_of_a_start(const config::Config& config) const;
    config::Config taken_as_possible(config::Config config) const;
    int wait_ms(Time now) const;
    void on_signals(Time now);
    void on_notifications();
    void on_status_client(Time now);
    void announce_when_ready();
    void reload();
    void begin_stop(Time now);
    void go_on_stopping(Time now);

    const config::InstancePaths paths_;
    log::Log& log_;
    config::Config config_;
    const config::Config started_with_;
    unsigned reloads_ = 0;
    std::vector<std::string> at_next_start_;
    Daemons daemons_;  // those that run here
    InstanceLock lock_;
    Listenings listenings_;
    std::map<std::string, std::string> links_;
    net::Descriptor signals_, notifications_, status_;
    Children children_;
    CertificateKeeper certificate_;
    bool announced_ = false;
    std::optional<Stage> stopping_;  // the stage that is being waited for
    Time stop_deadline_;
    bool done_ = false;
};

}  // namespace veredus::supervisor
