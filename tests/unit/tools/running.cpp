#include "tests/unit/tools/running.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/owner.h"
#include "tools/veredus/supervisor/graph.h"

namespace fs = std::filesystem;
using namespace veredus;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 30s;

int connect_to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    close(socket);
    return -1;
}

// A base whose ports nobody uses at the moment.
unsigned free_port_base() {
    for (unsigned base = 21000 + static_cast<unsigned>(getpid()) % 20000; base < 60000;
         base += 1009) {
        bool free = true;
        for (const auto& daemon : supervisor::graph())
            for (const auto& port : daemon.ports) {
                const int socket = connect_to(static_cast<std::uint16_t>(base + port.standard));
                free = free && socket < 0;
                if (socket >= 0) close(socket);
            }
        if (free) return base;
    }
    throw std::runtime_error("no free ports");
}

}  // namespace

bool wait_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        poll(nullptr, 0, 5);
    }
    return true;
}

TestInstance::TestInstance() : port_base_(free_port_base()) {
    std::string name = "/tmp/veredus-run-XXXXXX";
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    directory = name;
    for (const char* part : {"tls", "spool", "mail", "run", "bin"})
        fs::create_directory(directory / part);
    // A copy: the build tree may be closed to another user.
    fs::copy_file(std::getenv("FAKE_DAEMON"), directory / "bin/fake_daemon");
    for (const auto& daemon : supervisor::graph())
        fs::create_symlink("fake_daemon", directory / "bin" / daemon.name);
    write_config("");
}

TestInstance::~TestInstance() {
    if (supervisor_ > 0) {
        kill(supervisor_, SIGKILL);
        waitpid(supervisor_, nullptr, 0);
    }
    if (output_ >= 0) close(output_);
    fs::remove_all(directory);
}

void TestInstance::give_to(uid_t uid) const {
    BOOST_REQUIRE(chown(directory.c_str(), uid, uid) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(directory))
        BOOST_REQUIRE(lchown(entry.path().c_str(), uid, uid) == 0);
}

config::InstancePaths TestInstance::paths() const {
    return config::InstancePaths::of_directory(directory);
}

void TestInstance::write_config(const std::string& more) const {
    std::ofstream(directory / "veredus.toml") << fmt::format(
        "hostname = \"mx.a.example\"\n[listen]\naddress = [\"127.0.0.1\"]\n"
        "port_base = {}\n{}\n",
        port_base_, more);
}

void TestInstance::start() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    std::fflush(stdout);
    supervisor_ = fork();
    if (supervisor_ == 0) {
        dup2(ends[1], STDOUT_FILENO);
        const int errors =
            open((directory / "stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(errors, STDERR_FILENO);
        setenv("VEREDUS_DAEMONS", (directory / "bin").c_str(), 1);
        int status = 0;
        try {
            act_as_owner(paths());
            status = run_command(paths());
        } catch (const Failure& failure) {
            fmt::print(stderr, "{}\n", failure.what());
            status = failure.status;
        }
        std::fflush(nullptr);
        _exit(status);
    }
    close(ends[1]);
    if (output_ >= 0) close(output_);
    output_ = ends[0];
}

std::string TestInstance::wait_ready() {
    std::string text;
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (text.find("veredus: ready\n") == std::string::npos) {
        pollfd output{output_, POLLIN, 0};
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("not ready");
        if (poll(&output, 1, 100) == 0) continue;
        std::array<char, 4096> piece{};
        const ssize_t length = read(output_, piece.data(), piece.size());
        if (length <= 0) throw std::runtime_error("ended: " + error_output());
        text.append(piece.data(), static_cast<std::size_t>(length));
    }
    return text;
}

void TestInstance::signal(int number) const {
    kill(supervisor_, number);
}

int TestInstance::wait_end() {
    int status = 0;
    const bool ended =
        wait_until([&] { return waitpid(supervisor_, &status, WNOHANG) == supervisor_; });
    if (!ended) throw std::runtime_error("does not end");
    supervisor_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void TestInstance::order(std::string_view daemon, std::string_view what) const {
    std::ofstream(directory / fmt::format("order.{}", daemon)) << what;
}

std::vector<std::string> TestInstance::events() const {
    std::ifstream file(directory / "events");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

std::vector<std::string> TestInstance::events_of(std::string_view daemon) const {
    std::vector<std::string> own;
    for (const std::string& event : events())
        if (event.starts_with(fmt::format("{} ", daemon)))
            own.push_back(event.substr(daemon.size() + 1));
    return own;
}

std::string TestInstance::error_output() const {
    std::ifstream file(directory / "stderr");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::uint16_t TestInstance::port(std::uint16_t standard) const {
    return static_cast<std::uint16_t>(standard + port_base_);
}

std::string TestInstance::greeting(std::uint16_t standard) const {
    const int socket = connect_to(port(standard));
    if (socket < 0) return "";
    std::array<char, 100> text{};
    const ssize_t length = read(socket, text.data(), text.size());
    close(socket);
    return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

pid_t TestInstance::pid_at(std::uint16_t standard) const {
    const std::string text = greeting(standard);
    const auto space = text.find(' ');
    return space == std::string::npos ? 0 : std::stoi(text.substr(space));
}
