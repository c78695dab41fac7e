// Stands in for every daemon in the supervisor's tests: speaks systemd's protocol, notes what
// happens to it in INSTANCE/events, and greets whoever connects with its name and pid. A file
// INSTANCE/order.NAME makes it misbehave: "fail N" (ends with status N at once), "deaf" (takes no
// SIGTERM).
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

void note(const std::string& what) {
    const std::string file = environment("VEREDUS_INSTANCE") + "/events";
    const int events = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const std::string line = what + "\n";
    if (write(events, line.data(), line.size()) < 0) std::abort();
    close(events);
}

void say_ready() {
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = environment("NOTIFY_SOCKET");
    std::memcpy(name.sun_path, path.data(), path.size());
    if (sendto(socket, "READY=1", 7, 0, reinterpret_cast<sockaddr*>(&name), sizeof name) != 7)
        std::abort();
    close(socket);
}

void greet(int listening, const std::string& name) {
    const int client = accept(listening, nullptr, nullptr);
    if (client < 0) return;
    const std::string greeting = name + " " + std::to_string(getpid()) + "\n";
    [[maybe_unused]] const auto n = write(client, greeting.data(), greeting.size());
    close(client);
}

}  // namespace

int main(int, char** argv) {
    const std::string name = std::filesystem::path(argv[0]).filename();
    std::ifstream orders(environment("VEREDUS_INSTANCE") + "/order." + name);
    std::string order;
    int status = 0;
    orders >> order >> status;
    if (order == "fail") return status;

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    std::vector<pollfd> watched{{signalfd(-1, &signals, 0), POLLIN, 0}};
    if (environment("LISTEN_PID") == std::to_string(getpid()))
        for (int i = 0; i < std::stoi(environment("LISTEN_FDS")); ++i)
            watched.push_back({3 + i, POLLIN, 0});
    note(name + " started " + environment("LISTEN_FDNAMES") + " dials " +
         environment("VEREDUS_DIAL"));
    say_ready();
    for (;;) {
        poll(watched.data(), watched.size(), -1);
        for (std::size_t i = 1; i < watched.size(); ++i)
            if ((watched[i].revents & POLLIN) != 0) greet(watched[i].fd, name);
        if ((watched[0].revents & POLLIN) == 0) continue;
        signalfd_siginfo signal{};
        if (read(watched[0].fd, &signal, sizeof signal) != sizeof signal) return 1;
        note(name + (signal.ssi_signo == SIGHUP ? " reloads" : " stops"));
        if (signal.ssi_signo == SIGTERM && order != "deaf") return 0;
    }
}
