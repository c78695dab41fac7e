#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/ipc/packets.h"
#include "common/log/log.h"
#include "common/net/descriptor.h"
#include "spool/disk/disk.h"

namespace veredus::mailboxd {

// mailboxd's parent: one thread and no loop, so that it can fork at any time. It starts a process
// for each user who is asked for, locks it into the user's directory, and gives accountd and
// deliverd their ends of socket pairs to it.
class Parent {
  public:
    Parent(log::Log& log, config::Config config, std::filesystem::path mail,
           std::unique_ptr<spool::Directory> directory);

    // `session` and `delivery`: the listening sockets of the two links. Returns after SIGTERM, when
    // every user's process has ended.
    int run(std::vector<net::Descriptor> session, std::vector<net::Descriptor> delivery);

  private:
    struct Listening {
        net::Descriptor socket;
        char what;
    };
    struct Asker {
        net::Descriptor socket;
        char what;
    };
    struct Process {
        pid_t pid = 0;
        net::Descriptor control;
        std::uint64_t given = 0;  // descriptors sent on it
    };

    void turn();
    void on_signal();
    void accept(const Listening& listening);
    bool answer(const Asker& asker);
    std::optional<std::string> open(const std::string& user, char what, net::Descriptor& ours);
    Process* process_of(const std::string& user, std::string& why);
    [[noreturn]] void become(const std::string& user, const std::vector<std::string>& place,
                             std::unique_ptr<spool::Directory> directory, net::Descriptor control);
    void on_control(const std::string& user);
    void reap();
    void end_all();

    log::Log& log_;
    config::Config config_;
    std::filesystem::path mail_;
    std::unique_ptr<spool::Directory> directory_;
    net::Descriptor signals_;
    bool ending_ = false;
    std::vector<Listening> listening_;
    std::vector<Asker> askers_;
    std::map<std::string, Process> processes_;  // by user; one that may go has left
    std::size_t alive_ = 0;  // child processes, also those that have left processes_
};

}  // namespace veredus::mailboxd
