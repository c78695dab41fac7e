#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/instance.h"

// An instance whose daemons are fake_daemon, for tests of the supervisor. Everything is gone with
// the object.
class TestInstance {
  public:
    TestInstance();
    ~TestInstance();
    TestInstance(const TestInstance&) = delete;
    TestInstance& operator=(const TestInstance&) = delete;

    // `veredus run` in a process of its own.
    void start();
    // Until it has said that it is ready; its standard output so far. Fails after a while.
    std::string wait_ready();
    void signal(int number) const;
    // Waits for its end; its exit status, or 1000 + signal.
    int wait_end();

    void give_to(uid_t uid) const;  // for root
    void order(std::string_view daemon, std::string_view what) const;
    void write_config(const std::string& more) const;
    std::vector<std::string> events() const;
    std::vector<std::string> events_of(std::string_view daemon) const;
    std::string error_output() const;

    std::uint16_t port(std::uint16_t standard) const;
    // What whoever listens there says to a client; empty if nobody listens.
    std::string greeting(std::uint16_t standard) const;
    // The pid in it.
    pid_t pid_at(std::uint16_t standard) const;

    veredus::config::InstancePaths paths() const;
    std::filesystem::path directory;

  private:
    unsigned port_base_;
    pid_t supervisor_ = 0;
    int output_ = -1;
};

// Until `done`, with a limit that only a fault reaches.
bool wait_until(const std::function<bool()>& done);
