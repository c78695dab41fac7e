#include "common/daemon/start.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/daemon/on_signal.h"
#include "common/sandbox/profiles.h"

namespace veredus::daemon {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = text.find(separator);
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

// Analysers of mail logs count what smtpd and its kin of other names receive; for submission
// Postfix has this one.
std::string_view name_in_log(std::string_view daemon) {
    return daemon == "submitd" ? "submission/smtpd" : daemon;
}

[[noreturn]] void give_up(const log::Log& log, int code, std::string_view why) {
    log.line(log::Level::error, {}, why);
    std::exit(code);
}

config::Config load(const log::Log& log, const std::string& file) {
    auto config = config::Config::load(file);
    if (config) return std::move(*config);
    for (const auto& error : config.error())
        log.line(log::Level::error, {}, error.text(file));
    give_up(log, EX_CONFIG, "the configuration has errors: not started");
}

// sd_notify(3): the socket is connected before the sandbox closes.
net::Descriptor connect_notify() {
    const std::string path = environment("NOTIFY_SOCKET");
    sockaddr_un name{};
    if (path.empty() || path.size() >= sizeof name.sun_path) return {};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    if (name.sun_path[0] == '@') name.sun_path[0] = '\0';
    net::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0)
        return {};
    return socket;
}

// Random numbers of the kernel, fetched many at a time: each queue id takes two bytes.
class RandomPool {
  public:
    void operator()(void* out, std::size_t count) {
        if (count > pool_.size()) return ::randombytes_buf(out, count);
        if (count > left_) {
            ::randombytes_buf(pool_.data(), pool_.size());
            left_ = pool_.size();
        }
        left_ -= count;
        std::memcpy(out, pool_.data() + left_, count);
        ::sodium_memzero(pool_.data() + left_, count);
    }

  private:
    std::array<unsigned char, 512> pool_{};
    std::size_t left_ = 0;
};

// A shell's limit is for its users' programs; a socket for each client or job takes more.
void allow_many_descriptors() {
    constexpr rlim_t kEnough = 65'536;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
    limit.rlim_cur = std::min(limit.rlim_max, kEnough);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void say(const net::Descriptor& notify, std::string_view state) {
    if (notify) static_cast<void>(::send(notify.get(), state.data(), state.size(), MSG_NOSIGNAL));
}

}  // namespace

Start::Start(const char* name)
    : name_(name),
      paths_(config::InstancePaths::from_environment()),
      log_(name_in_log(name)),
      notify_(connect_notify()) {
    std::signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    ::setenv("UV_USE_IO_URING", "0", 1);  // its calls would escape the sandbox's filter
    if (::sodium_init() < 0)
        give_up(log_, EX_OSERR, "libsodium cannot be set up: no source of random numbers?");
    config_ = load(log_, config_file());
    if (config_.log.json) log_.set_shape(log::Shape::json);
    take_passed_descriptors();
    for (const auto& entry : split(environment("VEREDUS_DIAL"), ';')) {
        const auto equals = entry.find('=');
        if (equals != std::string::npos) links_[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
}

Start::~Start() = default;

void Start::take_passed_descriptors() {
    if (environment("LISTEN_PID") != std::to_string(::getpid())) return;
    const int count = std::atoi(environment("LISTEN_FDS").c_str());
    const auto names = split(environment("LISTEN_FDNAMES"), ':');
    for (int i = 0; i < count; ++i) {
        const int fd = kFirstPassed + i;
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        const auto at = static_cast<std::size_t>(i);
        sockets_.emplace(at < names.size() ? names[at] : "unknown", net::Descriptor(fd));
    }
    for (const char* used : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
        ::unsetenv(used);
}

std::filesystem::path Start::config_file() const {
    const std::string active = environment(config::InstancePaths::kConfigVariable);
    return active.empty() ? paths_.config_file() : std::filesystem::path(active);
}

void Start::lock_in() {
    lock_in(sandbox::profile_of(name_, paths_));
}

void Start::lock_in(const sandbox::Profile& profile) {
    try {
        const auto report = sandbox::lock_in(profile);
        for (const auto& what : report.lacking)
            log_.warning("sandbox: {}", what);
    } catch (const std::exception& error) {
        give_up(log_, EX_OSERR, std::string("cannot lock itself in: ") + error.what());
    }
}

void Start::reload(Env& env) {
    const std::string file = config_file();
    auto config = config::Config::load(file);
    if (!config) {
        for (const auto& error : config.error())
            log_.line(log::Level::error, {}, error.text(file));
        log_.warning("the configuration has errors: the old one stays in force");
        return;
    }
    env.config = std::move(*config);
    if (env.on_reload) env.on_reload();
    log_.info("configuration read again");
}

std::vector<net::Descriptor> Start::take_sockets(const std::string& name) {
    std::vector<net::Descriptor> out;
    auto [from, to] = sockets_.equal_range(name);
    for (auto at = from; at != to; ++at)
        out.push_back(std::move(at->second));
    sockets_.erase(from, to);
    return out;
}

void Start::ready() {
    say(notify_, "READY=1");
}

int Start::run(const std::function<async::Task<>(Env&)>& serve) {
    async::RealClock clock;
    async::Loop loop(clock);
    async::Stop stop;
    // The lines of one turn of the loop go out together.
    log::GatheredLines lines([&] { loop.before_waiting([&] { lines.flush(); }); });
    log_.set_sink([&](log::Level level, std::string_view line) { lines.add(level, line); });
    Env env{.loop = loop,
            .stop = stop,
            .log = log_,
            .config = config_,
            .on_reload = {},
            .sockets = std::move(sockets_),
            .links = links_,
            .random = RandomPool(),
            .ready = [this] { ready(); }};
    const OnSignal terminate(loop, SIGTERM, [&] {
        say(notify_, "STOPPING=1");
        stop.request();
    });
    const OnSignal interrupt(loop, SIGINT, [&] { stop.request(); });
    const OnSignal hang_up(loop, SIGHUP, [&] { reload(env); });
    int status = EX_OK;
    try {
        loop.run(serve(env));
    } catch (const async::Stopped&) {
    } catch (const std::exception& error) {
        log_.error("{}", error.what());
        status = EX_SOFTWARE;
    }
    log_.set_sink(log::stderr_sink());
    return status;
}

}  // namespace veredus::daemon
