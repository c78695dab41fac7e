#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log.h"
#include "tools/veredus/supervisor/child.h"
#include "tools/veredus/supervisor/time.h"

namespace veredus::supervisor {

using std::chrono::milliseconds;

enum class State {
    waiting,   // to be started at next_start
    starting,  // started, has not said READY=1
    serving,
    stopped,  // ended, and not to be started again
};

struct Child {
    const DaemonRow* daemon = nullptr;
    std::filesystem::path program;
    std::vector<std::string> environment;
    State state = State::waiting;
    pid_t pid = 0;  // 0 unless starting or serving
    Time started;
    Time next_start;
    unsigned failures = 0;  // since it last served for long
    unsigned restarts = 0;
    bool has_served = false;
};

// How long to wait after a daemon's n-th failure in a row, the first being 1.
milliseconds pause_after(unsigned failures);

// The daemons as processes: starts them, notes what they say and how they end, starts them again.
// One thread; whoever drives it calls its functions when their hour has come.
class Children {
  public:
    // What a daemon that never served ends with counts: with a fault of the configuration at once,
    // with another after this many tries.
    static constexpr unsigned kTriesToStart = 6;

    Children(const Listenings& listenings, std::vector<Child> children, log::Log& log);

    void start_due(Time now);
    void on_ready(pid_t pid);
    // Takes all processes that have ended.
    void reap(Time now);
    // Tells all daemons of a stage to stop; none is started again.
    void stop(Stage stage);
    void kill(Stage stage);
    void send_all(int signal);

    bool all_serving() const;
    bool gone(Stage stage) const;
    std::optional<Time> next_start() const;
    // Why starting was given up: the daemon's exit status. Nothing while there is hope.
    std::optional<int> hopeless() const { return hopeless_; }
    const std::vector<Child>& all() const { return children_; }

  private:
    void ended(Child& child, int wait_status, Time now);

    const Listenings& listenings_;
    std::vector<Child> children_;
    log::Log& log_;
    std::optional<int> hopeless_;
    bool stopping_ = false;
};

}  // namespace veredus::supervisor
