#include "daemons/locald/parent.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "common/daemon/parent_signals.h"
#include "common/ipc/wire.h"
#include "daemons/locald/account.h"
#include "daemons/locald/errand.h"

namespace veredus::locald {
namespace {

using ipc::host_delivery::Answer;
using ipc::host_delivery::Deliver;
using ipc::host_delivery::Delivered;
using ipc::host_delivery::Expand;
using ipc::host_delivery::Expanded;
using net::Descriptor;

using Clock = std::chrono::steady_clock;

// For what is under way when it is to end; less than its supervisor waits.
constexpr auto kToFinish = std::chrono::seconds(15);
constexpr std::size_t kProcesses = 40;
// Of one user at a time, and waiting: his programs that hang must not take all places.
constexpr std::size_t kDeliveriesPerOwner = 2;
constexpr std::size_t kWaitingPerOwner = 20;

// A socket's mode lets its owner in, and root; SO_PEERCRED says it once more.
unsigned owner_of_socket(int listening) {
    sockaddr_un name{};
    socklen_t length = sizeof name;
    struct stat about{};
    if (::getsockname(listening, reinterpret_cast<sockaddr*>(&name), &length) != 0 ||
        ::stat(name.sun_path, &about) != 0)
        return ::geteuid();
    return about.st_uid;
}

const std::string& owner_in(const ipc::host_delivery::Request& request) {
    return std::visit([](const auto& one) -> const std::string& { return one.owner; }, request);
}

bool is_delivery(const ipc::host_delivery::Request& request) {
    return std::holds_alternative<Deliver>(request);
}

Answer refusal(const ipc::host_delivery::Request& request, std::string status, std::string text) {
    if (const auto* expand = std::get_if<Expand>(&request))
        return Expanded{expand->request, std::move(status), std::move(text), {}};
    return Delivered{std::get<Deliver>(request).request, std::move(status), std::move(text)};
}

// Is it an answer to this request? A user's process may say anything.
bool answers(const Answer& answer, const ipc::host_delivery::Request& request) {
    if (answer.index() != request.index()) return false;
    return std::visit([](const auto& one) { return one.request; }, answer) ==
           std::visit([](const auto& one) { return one.request; }, request);
}

template <class Message>
void send(int socket, const Message& message) {
    ipc::Packet packet;
    ipc::encode(message, packet.bytes);
    ipc::send_packet(socket, packet, true);
}

}  // namespace

Parent::Parent(log::Log& log, config::Config config, std::filesystem::path config_file,
               std::filesystem::path aliases, Sockets sockets)
    : log_(log),
      config_(std::move(config)),
      config_file_(std::move(config_file)),
      aliases_(std::move(aliases)) {
    signals_ = daemon::take_parent_signals();
    for (auto* link : {&sockets.host_user, &sockets.host_delivery})
        for (Descriptor& socket : *link) {
            const unsigned owner = owner_of_socket(socket.get());
            listening_.push_back({std::move(socket), link == &sockets.host_delivery, owner});
        }
}

int Parent::run() {
    while (!ends_at_ || (!running_.empty() && Clock::now() < *ends_at_))
        turn();
    return EX_OK;
}

// Waits for one event or more, and acts on each.
void Parent::turn() {
    std::vector<pollfd> fds{{signals_.get(), POLLIN, 0}};
    for (const auto& listening : listening_)
        fds.push_back({listening.socket.get(), POLLIN, 0});
    for (const auto& asker : askers_)
        fds.push_back({asker.socket.get(), POLLIN, 0});
    for (const auto& running : running_)
        fds.push_back({running.answer.get(), POLLIN, 0});
    const auto left = [this] {
        const auto time = std::chrono::ceil<std::chrono::milliseconds>(*ends_at_ - Clock::now());
        return std::max(0, static_cast<int>(time.count()));
    };
    if (::poll(fds.data(), fds.size(), ends_at_ ? left() : -1) <= 0) return;
    const pollfd* at = fds.data();
    const auto next_has_event = [&at] { return (at++)->revents != 0; };
    if (next_has_event()) on_signal();
    std::vector<const Listening*> called;
    for (const auto& listening : listening_)
        if (next_has_event()) called.push_back(&listening);
    std::erase_if(askers_, [&](const Asker& asker) { return next_has_event() && !hear(asker); });
    std::erase_if(running_, [&](const Running& running) {
        if (!next_has_event()) return false;
        pass_on(running);
        return true;
    });
    std::erase_if(waiting_, [&](const Errand& errand) { return !is_here(errand.asker); });
    if (ends_at_) return listening_.clear();
    for (const Listening* listening : called)
        accept(*listening);
    start_what_may();
}

void Parent::on_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGCHLD)
            while (::waitpid(-1, nullptr, WNOHANG) > 0) {
            }
        if (info.ssi_signo == SIGHUP) reload();
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            ends_at_ = Clock::now() + kToFinish;
    }
}

void Parent::reload() {
    auto config = config::Config::load(config_file_);
    if (!config) {
        log_.warning("the configuration has errors: the old one stays in force");
        return;
    }
    config_ = std::move(*config);
    log_.info("configuration read again");
}

void Parent::accept(const Listening& listening) {
    Descriptor socket(::accept4(listening.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    if (const auto peer = ipc::Credentials::of(socket.get());
        peer.uid != listening.owner && peer.uid != 0) {
        log_.warning("uid {} may not speak here", peer.uid);
        return;
    }
    askers_.push_back({++last_asker_, std::move(socket), listening.delivers});
}

// False once the asker has gone, or broken the protocol.
bool Parent::hear(const Asker& asker) {
    ipc::Packet packet;
    const auto received = ipc::receive_packet(asker.socket.get(), packet);
    if (received != ipc::Passed::whole) return received == ipc::Passed::none;
    try {
        if (asker.delivers)
            take_errands(asker, std::move(packet));
        else
            tell_kinds(asker, packet.bytes);
    } catch (const ipc::ProtocolError& error) {
        log_.error("a peer broke the protocol and is cut off: {}", error.what());
        return false;
    }
    return true;
}

void Parent::tell_kinds(const Asker& asker, const std::string& packet) {
    for (const auto& request : ipc::decode<ipc::host_user::Request>(packet)) {
        const auto& asked = std::get<ipc::host_user::Ask>(request);
        send(asker.socket.get(),
             ipc::host_user::Answer(ipc::host_user::Told{asked.request, kind_of(asked.name)}));
    }
}

void Parent::take_errands(const Asker& asker, ipc::Packet packet) {
    for (auto& request : ipc::decode<ipc::host_delivery::Request>(packet.bytes)) {
        Errand errand{asker.number, std::move(request), {}};
        if (is_delivery(errand.request)) {
            // A packet ends with the message whose descriptor it carries.
            if (packet.descriptors.empty()) throw ipc::ProtocolError("a delivery without a body");
            errand.body = std::move(packet.descriptors.front());
            packet.descriptors.clear();
            const auto others = std::ranges::count_if(waiting_, [&](const Errand& other) {
                return owner_in(other.request) == owner_in(errand.request);
            });
            if (static_cast<std::size_t>(others) >= kWaitingPerOwner) {
                send(asker.socket.get(), refusal(errand.request, "4.3.2",
                                                 "many others for the same user are under way"));
                continue;
            }
        }
        waiting_.push_back(std::move(errand));
    }
}

bool Parent::may_start(const Errand& errand) const {
    if (running_.size() >= kProcesses) return false;
    if (!is_delivery(errand.request)) return true;
    const auto others = std::ranges::count_if(running_, [&](const Running& other) {
        return is_delivery(other.request) && owner_in(other.request) == owner_in(errand.request);
    });
    return static_cast<std::size_t>(others) < kDeliveriesPerOwner;
}

void Parent::start_what_may() {
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        if (!may_start(*at)) {
            ++at;
            continue;
        }
        Errand errand = std::move(*at);
        at = waiting_.erase(at);
        start(std::move(errand));
    }
}

void Parent::start(Errand errand) {
    int pair[2] = {-1, -1};
    const bool made = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
    Descriptor ours(pair[0]);
    const Descriptor theirs(pair[1]);
    const pid_t pid = made ? ::fork() : -1;
    if (pid == 0) {
        ours.reset();
        carry_out(errand, theirs);
    }
    if (pid < 0)
        return tell(errand.asker,
                    refusal(errand.request, "4.3.0", "no process can be started now"));
    running_.push_back({errand.asker, std::move(errand.request), std::move(ours)});
}

// In the child: lets go of all that is the parent's, does the one thing, says how it went.
void Parent::carry_out(const Errand& errand, const Descriptor& answer) {
    daemon::leave_parent_signals();
    listening_.clear();
    askers_.clear();
    running_.clear();
    waiting_.clear();
    signals_.reset();
    const auto owner = owner_of(owner_in(errand.request), config_, aliases_);
    if (!owner)
        send(answer.get(),
             refusal(errand.request, "5.1.1", "there is no mailbox of this name here"));
    else if (const auto* request = std::get_if<Expand>(&errand.request))
        send(answer.get(), Answer(expand(*owner, *request, config_)));
    else
        send(answer.get(), Answer(deliver(*owner, std::get<Deliver>(errand.request),
                                          errand.body.get(), config_)));
    std::_Exit(EX_OK);
}

// What its process said, or that it ended without a word.
void Parent::pass_on(const Running& running) {
    ipc::Packet packet;
    try {
        if (ipc::receive_packet(running.answer.get(), packet) == ipc::Passed::whole) {
            const auto said = ipc::decode<Answer>(packet.bytes);
            if (said.size() == 1 && answers(said.front(), running.request))
                return tell(running.asker, said.front());
        }
    } catch (const ipc::ProtocolError&) {
    }
    log_.error("a process for <{}> ended without an answer", owner_in(running.request));
    tell(running.asker, refusal(running.request, "4.3.0", "its process ended; trying again later"));
}

void Parent::tell(std::uint64_t asker, const Answer& answer) {
    const auto found = std::ranges::find(askers_, asker, &Asker::number);
    if (found != askers_.end()) send(found->socket.get(), answer);
}

bool Parent::is_here(std::uint64_t asker) const {
    return std::ranges::find(askers_, asker, &Asker::number) != askers_.end();
}

}  // namespace veredus::locald
