#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/config/instance.h"
#include "common/daemon/env.h"
#include "common/sandbox/sandbox.h"

namespace veredus::daemon {

// What every daemon's main does, in this order: learn who it is (configuration, passed
// descriptors), open what it needs, lock itself in, serve until it is told to stop.
//
//   int main() {
//       daemon::Start start("smtpd");
//       auto tls = ...;                // what must be read from files
//       start.lock_in();
//       return start.run([&](daemon::Env& env) { return smtpd::serve(env, tls); });
//   }
//
// Environment: VEREDUS_INSTANCE, VEREDUS_CONFIG (common/config/instance.h); LISTEN_PID, LISTEN_FDS,
// LISTEN_FDNAMES and NOTIFY_SOCKET (systemd's protocol, sd_listen_fds(3), sd_notify(3));
// VEREDUS_DIAL, "link=path;link=path". A fault that a person must mend ends the process with a
// sentence on stderr and a code of sysexits.h.
class Start {
  public:
    explicit Start(const char* name);
    ~Start();

    const std::string& name() const { return name_; }
    const config::InstancePaths& paths() const { return paths_; }
    const config::Config& config() const { return config_; }
    // The file that the configuration came from, and is read from again.
    std::filesystem::path config_file() const;
    log::Log& log() { return log_; }

    // With the daemon's row of the sandbox table, or a profile of its own making. Says in the log
    // what the kernel could not enforce.
    void lock_in();
    void lock_in(const sandbox::Profile& profile);

    // Serves until serve() returns. SIGTERM and SIGINT request env.stop, SIGHUP reads the
    // configuration again. Returns the exit status.
    int run(const std::function<async::Task<>(Env&)>& serve);

    // For parents of processes, which have no loop: passed listening sockets, and the word that it
    // serves.
    std::vector<net::Descriptor> take_sockets(const std::string& name);
    void ready();

  private:
    void take_passed_descriptors();
    void reload(Env& env);

    std::string name_;
    config::InstancePaths paths_;
    config::Config config_;
    log::Log log_;
    std::multimap<std::string, net::Descriptor> sockets_;
    std::map<std::string, std::string> links_;
    net::Descriptor notify_;
};

}  // namespace veredus::daemon
