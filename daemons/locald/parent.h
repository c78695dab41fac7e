#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/ipc/host.h"
#include "common/ipc/packets.h"
#include "common/log/log.h"
#include "common/net/descriptor.h"

namespace veredus::locald {

// One thread and no loop, so that it can fork at any time. It says who is a user of this host, and
// starts a process for each errand (errand.h). It reads nothing of a message and none of a user's
// files; of what such a process says it takes the answer to the one question.
class Parent {
  public:
    // The listening sockets of the two links.
    struct Sockets {
        std::vector<net::Descriptor> host_user, host_delivery;
    };
    // `aliases`: /etc/aliases.
    Parent(log::Log& log, config::Config config, std::filesystem::path config_file,
           std::filesystem::path aliases, Sockets sockets);

    // Returns after SIGTERM, once what is under way has ended, but not long after: then a program
    // goes on unheard, and its mail is tried again.
    int run();

  private:
    struct Listening {
        net::Descriptor socket;
        bool delivers = false;  // the link host_delivery
        unsigned owner = 0;     // the uid that the socket belongs to: who may speak here, with root
    };
    struct Asker {
        std::uint64_t number = 0;
        net::Descriptor socket;
        bool delivers = false;
    };
    struct Errand {
        std::uint64_t asker = 0;
        ipc::host_delivery::Request request;
        net::Descriptor body;
    };
    // A process with an errand. It tells its answer to nobody but this one.
    struct Running {
        std::uint64_t asker = 0;
        ipc::host_delivery::Request request;
        net::Descriptor answer;
    };

    void turn();
    void on_signal();
    void reload();
    void accept(const Listening& listening);
    bool hear(const Asker& asker);
    void tell_kinds(const Asker& asker, const std::string& packet);
    void take_errands(const Asker& asker, ipc::Packet packet);
    void start_what_may();
    bool may_start(const Errand& errand) const;
    void start(Errand errand);
    [[noreturn]] void carry_out(const Errand& errand, const net::Descriptor& answer);
    void pass_on(const Running& running);
    void tell(std::uint64_t asker, const ipc::host_delivery::Answer& answer);
    bool is_here(std::uint64_t asker) const;

    log::Log& log_;
    config::Config config_;
    std::filesystem::path config_file_;
    std::filesystem::path aliases_;
    net::Descriptor signals_;
    std::optional<std::chrono::steady_clock::time_point> ends_at_;  // at the latest
    std::vector<Listening> listening_;
    std::vector<Asker> askers_;
    std::uint64_t last_asker_ = 0;
    std::deque<Errand> waiting_;
    std::vector<Running> running_;
};

}  // namespace veredus::locald
