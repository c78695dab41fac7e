#include "daemons/mailboxd/parent.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "common/daemon/parent_signals.h"
#include "common/ipc/mailbox.h"
#include "common/ipc/wire.h"
#include "common/sandbox/profiles.h"
#include "common/sandbox/sandbox.h"
#include "daemons/mailboxd/user_directory.h"
#include "daemons/mailboxd/user_process.h"

namespace veredus::mailboxd {
namespace {

using net::Descriptor;

std::pair<Descriptor, Descriptor> socket_pair() {
    int fds[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return {};
    return {Descriptor(fds[0]), Descriptor(fds[1])};
}

// A message of one byte to a user's process, perhaps with a descriptor.
ipc::Passed tell(int socket, char what, Descriptor descriptor = {}) {
    ipc::Packet packet{{what}, {}};
    if (descriptor) packet.descriptors.push_back(std::move(descriptor));
    return ipc::send_packet(socket, packet);
}

}  // namespace

Parent::Parent(log::Log& log, config::Config config, std::filesystem::path mail,
               std::unique_ptr<spool::Directory> directory)
    : log_(log),
      config_(std::move(config)),
      mail_(std::move(mail)),
      directory_(std::move(directory)) {
    signals_ = daemon::take_parent_signals();
}

int Parent::run(std::vector<Descriptor> session, std::vector<Descriptor> delivery) {
    for (auto& socket : session)
        listening_.push_back({std::move(socket), kSession});
    for (auto& socket : delivery)
        listening_.push_back({std::move(socket), kDelivery});
    while (!ending_ || alive_ != 0)
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
    std::vector<std::string> users;
    for (const auto& [user, process] : processes_) {
        fds.push_back({process.control.get(), POLLIN, 0});
        users.push_back(user);
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) return;
    std::size_t at = 0;
    if (fds[at++].revents != 0) on_signal();
    const std::size_t askers = askers_.size();
    for (std::size_t i = 0; i < listening_.size() && !ending_; ++i)
        if (fds[at + i].revents != 0) accept(listening_[i]);
    if (ending_) return;
    at += listening_.size();
    std::vector<std::size_t> gone;
    for (std::size_t i = 0; i < askers; ++i)
        if (fds[at + i].revents != 0 && !answer(askers_[i])) gone.push_back(i);
    at += askers;
    for (std::size_t i = 0; i < users.size(); ++i)
        if (fds[at + i].revents != 0) on_control(users[i]);
    for (auto i = gone.rbegin(); i != gone.rend(); ++i)
        askers_.erase(askers_.begin() + static_cast<std::ptrdiff_t>(*i));
}

void Parent::on_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGCHLD) reap();
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) end_all();
    }
}

void Parent::accept(const Listening& listening) {
    Descriptor socket(::accept4(listening.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    if (const auto peer = ipc::Credentials::of(socket.get()); !peer.ours()) {
        log_.warning("uid {} may not speak here", peer.uid);
        return;
    }
    askers_.push_back({std::move(socket), listening.what});
}

// False once the asker has gone, or broken the protocol.
bool Parent::answer(const Asker& asker) {
    ipc::Packet asked_together;
    const auto passed = ipc::receive_packet(asker.socket.get(), asked_together);
    if (passed != ipc::Passed::whole) return passed == ipc::Passed::none;
    try {
        for (const auto& request : ipc::decode<ipc::open::Request>(asked_together.bytes)) {
            const auto& asked = std::get<ipc::open::Open>(request);
            Descriptor theirs;
            ipc::open::Opened opened{.request = asked.request, .text = {}};
            opened.text = open(asked.user, asker.what, theirs).value_or("");
            ipc::Packet packet;
            ipc::encode(ipc::open::Answer(opened), packet.bytes);
            if (theirs) packet.descriptors.push_back(std::move(theirs));
            if (ipc::send_packet(asker.socket.get(), packet, true) != ipc::Passed::whole)
                return false;
        }
    } catch (const ipc::ProtocolError& error) {
        log_.error("a peer broke the protocol and is cut off: {}", error.what());
        return false;
    }
    return true;
}

// Why not, or nothing and an end of a new socket pair to the user's process.
std::optional<std::string> Parent::open(const std::string& user, char what, Descriptor& ours) {
    std::string why;
    for (int attempt = 0; attempt < 2; ++attempt) {
        Process* process = process_of(user, why);
        if (process == nullptr) return why;
        auto [one, other] = socket_pair();
        if (!one) return "no more descriptors";
        // Not waiting: one user's busy process must not keep the others from theirs.
        const auto passed = tell(process->control.get(), what, std::move(other));
        if (passed == ipc::Passed::none) return "the user's process is busy";
        if (passed == ipc::Passed::whole) {
            ++process->given;
            ours = std::move(one);
            return std::nullopt;
        }
        processes_.erase(user);  // it has just ended: start another
    }
    return "the user's process ends as soon as it starts";
}

Parent::Process* Parent::process_of(const std::string& user, std::string& why) {
    if (const auto found = processes_.find(user); found != processes_.end()) return &found->second;
    const auto place = user_directory(user);
    if (place.empty()) {
        why = "not an address: " + user;
        return nullptr;
    }
    auto [ours, theirs] = socket_pair();
    std::unique_ptr<spool::Directory> directory;
    try {
        const auto domain = directory_->open_directory(place[0]);
        directory = domain->open_directory(place[1]);
        // They may be new, and what is delivered into them must be found after a crash.
        domain->sync();
        directory_->sync();
    } catch (const spool::DiskError& error) {
        why = error.what();
        return nullptr;
    }
    const pid_t pid = ours ? ::fork() : -1;
    if (pid < 0) {
        why = "cannot start a process";
        return nullptr;
    }
    if (pid == 0) {
        ours.reset();
        become(user, place, std::move(directory), std::move(theirs));
    }
    ++alive_;
    return &(processes_[user] = Process{pid, std::move(ours)});
}

// In the child: lets go of all that is the parent's, then is the user's process.
void Parent::become(const std::string& user, const std::vector<std::string>& place,
                    std::unique_ptr<spool::Directory> directory, Descriptor control) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    daemon::leave_parent_signals();
    listening_.clear();
    askers_.clear();
    processes_.clear();
    signals_.reset();
    directory_.reset();
    int status = EX_OSERR;
    try {
        sandbox::lock_in(sandbox::mailbox_process(mail_ / place[0] / place[1]));
        status = run_user_process(user, std::move(directory), std::move(control), config_);
    } catch (const std::exception& error) {
        log_.error("<{}>: {}", user, error.what());
    }
    std::_Exit(status);
}

void Parent::on_control(const std::string& user) {
    const auto found = processes_.find(user);
    if (found == processes_.end()) return;
    Process& process = found->second;
    std::array<char, 32> said;
    const ssize_t got = ::recv(process.control.get(), said.data(), said.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) {
        std::uint64_t received = 0;
        std::from_chars(said.data() + 1, said.data() + got, received);
        if (said[0] != kWouldGo || received != process.given) return;
        tell(process.control.get(), kMayGo);
    }
    processes_.erase(found);
}

void Parent::reap() {
    int status = 0;
    while (const pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
        if (pid < 0) break;
        --alive_;
        if (WIFSIGNALED(status))
            log_.error("a user's process was ended by signal {}", WTERMSIG(status));
        std::erase_if(processes_, [pid](const auto& entry) { return entry.second.pid == pid; });
    }
}

void Parent::end_all() {
    ending_ = true;
    listening_.clear();
    askers_.clear();
    for (const auto& [user, process] : processes_)
        ::kill(process.pid, SIGTERM);
}

}  // namespace veredus::mailboxd
