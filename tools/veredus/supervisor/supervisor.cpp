#include "tools/veredus/supervisor/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "tools/veredus/in_force.h"
#include "tools/veredus/supervisor/status_report.h"

namespace veredus::supervisor {
namespace {

namespace fs = std::filesystem;

// A daemon finishes what it has acknowledged; who needs longer has hung.
constexpr std::chrono::seconds kStopLimit{20};

fs::path notify_socket(const config::InstancePaths& paths) {
    return paths.run() / "notify";
}

net::Descriptor signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return net::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Daemons daemons_for(const config::Config& config, log::Log& log) {
    Daemons daemons;
    for (const DaemonRow& daemon : graph()) {
        if (daemon.serves_host_users && !config.local.users) continue;
        if (daemon.has_own_package && !installed_program(daemon.name)) {
            log.info("{} is not installed", daemon.name);
            continue;
        }
        daemons.push_back(&daemon);
    }
    return daemons;
}

Listenings open_all_ports(const Daemons& daemons, const config::Config& config, log::Log& log) {
    std::vector<std::string> warnings;
    Listenings listenings = open_ports(daemons, config, warnings);
    for (const std::string& warning : warnings)
        log.warning("{}", warning);
    return listenings;
}

}  // namespace

Supervisor::Supervisor(const config::InstancePaths& paths, const config::Config& config,
                       log::Log& log)
    : paths_(paths),
      log_(log),
      config_(taken_as_possible(config)),
      started_with_(config_),
      daemons_(daemons_for(config_, log)),
      lock_((fs::create_directories(paths.run()), paths.run())),
      listenings_((remove_leftovers(paths), open_all_ports(daemons_, config_, log))),
      links_(open_links(daemons_, paths, listenings_)),
      signals_(signals()),
      notifications_(open_unix_socket(notify_socket(paths), SOCK_DGRAM, 0600)),
      status_(open_unix_socket(paths.status_socket(), SOCK_STREAM, 0600)),
      children_(listenings_, make_children(), log),
      certificate_(paths_, config_, links_, log, std::chrono::steady_clock::now()) {
    const int on = 1;
    ::setsockopt(notifications_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    put_in_force(paths_, config_);
    write_links(paths_, links_);
}

std::vector<Child> Supervisor::make_children() const {
    std::vector<Child> children;
    for (const DaemonRow* daemon : daemons_)
        children.push_back(
            {.daemon = daemon,
             .program = find_program(daemon->name),
             .environment = environment_of(*daemon, paths_, links_, notify_socket(paths_))});
    return children;
}

// Nobody but root can become another user.
config::Config Supervisor::taken_as_possible(config::Config config) const {
    if (config.local.users && ::getuid() != 0) {
        log_.warning("local.users is for a host that root runs: users of the host get no mail");
        config.local.users = false;
    }
    return config;
}

int Supervisor::run() {
    std::array<pollfd, 4> watched{{{signals_.get(), POLLIN, 0},
                                   {notifications_.get(), POLLIN, 0},
                                   {status_.get(), POLLIN, 0}}};
    while (!done_) {
        if (!stopping_) children_.start_due(std::chrono::steady_clock::now());
        watched[3] = {certificate_.descriptor(), POLLIN, 0};
        ::poll(watched.data(), watched.size(), wait_ms(std::chrono::steady_clock::now()));
        const Time now = std::chrono::steady_clock::now();
        // What a daemon said before it ended comes first.
        on_notifications();
        on_signals(now);
        if ((watched[2].revents & POLLIN) != 0) on_status_client(now);
        if ((watched[3].revents & POLLIN) != 0) certificate_.on_changes(now);
        if (announced_ && !stopping_) certificate_.act(now);
        if (children_.hopeless() && !stopping_) begin_stop(now);
        if (stopping_)
            go_on_stopping(now);
        else
            announce_when_ready();
    }
    remove_leftovers(paths_);
    return children_.hopeless().value_or(EX_OK);
}

int Supervisor::wait_ms(Time now) const {
    std::optional<Time> next = children_.next_start();
    if (announced_) next = std::min(next.value_or(Time::max()), certificate_.next());
    if (stopping_) next = stop_deadline_;
    if (!next) return -1;
    const auto left = std::chrono::ceil<milliseconds>(*next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Supervisor::on_signals(Time now) {
    signalfd_siginfo signal{};
    while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGHUP && !stopping_) reload();
        if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT) begin_stop(now);
    }
    children_.reap(now);
}

// sd_notify(3). The kernel says whose message it is.
void Supervisor::on_notifications() {
    for (;;) {
        std::array<char, 512> text{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        iovec part{text.data(), text.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t length = ::recvmsg(notifications_.get(), &message, MSG_DONTWAIT);
        if (length < 0) return;
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        if (!header || header->cmsg_type != SCM_CREDENTIALS) continue;
        ucred sender{};
        std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
        const std::string_view said(text.data(), static_cast<std::size_t>(length));
        if (said.find("READY=1") != std::string_view::npos) children_.on_ready(sender.pid);
    }
}

void Supervisor::on_status_client(Time now) {
    const net::Descriptor client(::accept4(status_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    const std::string report = status_report(
        children_.all(), listenings_,
        {.stopping = stopping_.has_value(), .reloads = reloads_, .at_next_start = at_next_start_},
        now);
    // A few kilobytes, which a new socket takes whole.
    [[maybe_unused]] const auto n =
        ::send(client.get(), report.data(), report.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Supervisor::announce_when_ready() {
    if (announced_ || !children_.all_serving()) return;
    announced_ = true;
    for (const DaemonRow* daemon : daemons_)
        for (const Listening& listening : listenings_[std::string(daemon->name)])
            if (listening.port != 0)
                std::printf("veredus: %s on %s\n", listening.name.c_str(),
                            listening.address.c_str());
    std::printf("veredus: ready\n");
    std::fflush(stdout);
}

// Those in which it differs from what this was started with, and for which only a start can help.
std::vector<std::string> Supervisor::settings_of_a_start(const config::Config& config) const {
    std::vector<std::string> settings;
    if (config.listen.address != started_with_.listen.address) settings.push_back("listen.address");
    if (config.listen.port_base != started_with_.listen.port_base)
        settings.push_back("listen.port_base");
    if (::getuid() == 0 && config.local.users != started_with_.local.users)
        settings.push_back("local.users");
    return settings;
}

void Supervisor::reload() {
    auto config = config::Config::load(paths_.config_file());
    if (!config) {
        for (const auto& error : config.error())
            log_.error("{}", error.text(paths_.config_file().string()));
        log_.warning("the configuration has errors: the old one stays in force");
        return;
    }
    at_next_start_ = settings_of_a_start(*config);
    for (const auto& setting : at_next_start_)
        log_.warning("{}", at_next_start_text(setting));
    config_ = std::move(*config);
    config_.local.users = started_with_.local.users;
    certificate_.look_again(std::chrono::steady_clock::now());
    put_in_force(paths_, config_);
    children_.send_all(SIGHUP);
    ++reloads_;
    log_.info("configuration read again");
}

void Supervisor::begin_stop(Time now) {
    if (stopping_) return;
    stopping_ = Stage::fronts;
    stop_deadline_ = now + kStopLimit;
    // New clients are refused by the kernel from here on.
    for (auto& [daemon, sockets] : listenings_)
        std::erase_if(sockets, [](const Listening& listening) { return listening.port != 0; });
    children_.stop(Stage::fronts);
}

void Supervisor::go_on_stopping(Time now) {
    if (now >= stop_deadline_) {
        children_.kill(*stopping_);
        stop_deadline_ = now + kStopLimit;
    }
    while (children_.gone(*stopping_)) {
        if (*stopping_ == Stage::owners) {
            done_ = true;
            return;
        }
        stopping_ = static_cast<Stage>(static_cast<int>(*stopping_) + 1);
        stop_deadline_ = now + kStopLimit;
        children_.stop(*stopping_);
    }
}

}  // namespace veredus::supervisor
