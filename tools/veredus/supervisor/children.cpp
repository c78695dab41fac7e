#include "tools/veredus/supervisor/children.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace veredus::supervisor {
namespace {

constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{10'000};
// Who served for so long and then fell has not fallen while starting.
constexpr std::chrono::seconds kServedLong{30};

std::string how_it_ended(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        const int signal = WTERMSIG(wait_status);
        const char* const why = signal == SIGSYS ? " (it asked for what its sandbox forbids)" : "";
        return fmt::format("was ended by signal {} ({}){}", signal, ::strsignal(signal), why);
    }
    return fmt::format("ended with status {}", WEXITSTATUS(wait_status));
}

}  // namespace

milliseconds pause_after(unsigned failures) {
    if (failures == 0) return milliseconds(0);
    return std::min(kFirstPause * (1u << std::min(failures - 1, 10u)), kLongestPause);
}

Children::Children(const Listenings& listenings, std::vector<Child> children, log::Log& log)
    : listenings_(listenings), children_(std::move(children)), log_(log) {}

void Children::start_due(Time now) {
    for (Child& child : children_) {
        if (child.state != State::waiting || child.next_start > now) continue;
        const auto sockets = listenings_.find(child.daemon->name);
        static const std::vector<Listening> kNone;
        child.pid = supervisor::start({*child.daemon, child.program,
                                       sockets == listenings_.end() ? kNone : sockets->second,
                                       child.environment});
        child.state = State::starting;
        child.started = now;
    }
}

void Children::on_ready(pid_t pid) {
    const auto child = std::ranges::find(children_, pid, &Child::pid);
    if (child == children_.end() || child->state != State::starting) return;
    child->state = State::serving;
    child->has_served = true;
    if (child->restarts > 0) log_.info("{} serves again", child->daemon->name);
}

void Children::reap(Time now) {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        const auto child = std::ranges::find(children_, pid, &Child::pid);
        if (child != children_.end()) ended(*child, status, now);
    }
}

void Children::ended(Child& child, int wait_status, Time now) {
    const pid_t pid = std::exchange(child.pid, 0);
    const bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    if (stopping_) {
        child.state = State::stopped;
        if (!clean) log_.warning("{}[{}] {}", child.daemon->name, pid, how_it_ended(wait_status));
        return;
    }
    if (child.state == State::serving && now - child.started >= kServedLong) child.failures = 0;
    ++child.failures;
    ++child.restarts;
    child.state = State::waiting;
    child.next_start = now + pause_after(child.failures);
    const bool bad_config = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EX_CONFIG;
    if (!child.has_served && (bad_config || child.failures >= kTriesToStart)) {
        log_.error("{}[{}] {} before it served", child.daemon->name, pid,
                   how_it_ended(wait_status));
        hopeless_ = bad_config ? EX_CONFIG : EX_UNAVAILABLE;
        return;
    }
    log_.warning("{}[{}] {}; starting it again in {} ms", child.daemon->name, pid,
                 how_it_ended(wait_status), pause_after(child.failures).count());
}

void Children::stop(Stage stage) {
    stopping_ = true;
    for (Child& child : children_) {
        if (child.state == State::waiting) child.state = State::stopped;
        if (child.daemon->stage == stage && child.pid > 0) ::kill(child.pid, SIGTERM);
    }
}

void Children::kill(Stage stage) {
    for (const Child& child : children_) {
        if (child.daemon->stage != stage || child.pid == 0) continue;
        log_.warning("{}[{}] does not stop; killing it", child.daemon->name, child.pid);
        ::kill(child.pid, SIGKILL);
    }
}

void Children::send_all(int signal) {
    for (const Child& child : children_)
        if (child.pid > 0) ::kill(child.pid, signal);
}

bool Children::all_serving() const {
    return std::ranges::all_of(children_,
                               [](const Child& child) { return child.state == State::serving; });
}

bool Children::gone(Stage stage) const {
    return std::ranges::all_of(children_, [&](const Child& child) {
        return child.daemon->stage != stage || child.pid == 0;
    });
}

std::optional<Time> Children::next_start() const {
    std::optional<Time> next;
    for (const Child& child : children_)
        if (child.state == State::waiting && (!next || child.next_start < *next))
            next = child.next_start;
    return next;
}

}  // namespace veredus::supervisor
