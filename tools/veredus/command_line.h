#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tools/veredus/commands.h"

namespace veredus {

// What may be said to `veredus`, and what was: the grammar from which also the help texts and the
// shells' completions are made.
class CommandLine {
  public:
    CommandLine();

    CLI::App& app() { return app_; }
    // After app().parse(): the instance that is meant, and what is to be done with it.
    config::InstancePaths paths() const;
    int run(const config::InstancePaths& paths) const { return chosen_(paths); }

  private:
    using Command = std::function<int(const config::InstancePaths&)>;
    // A command that takes the one address of the command line.
    using OfAddress = int (*)(const config::InstancePaths&, const std::string&);

    CLI::App* add(CLI::App& parent, const char* name, const char* help, Command command);
    Command of_address(OfAddress command);
    void add_instance_commands();
    void add_config_commands();
    void add_certificate_commands();
    void add_account_commands();
    void add_queue_commands();
    void add_act_commands(CLI::App& queue);
    void add_pause_commands();
    void add_spool_commands();
    void add_watching_commands();
    void add_help_command();

    CLI::App app_;
    Command chosen_;

    // Where CLI11 puts what it reads.
    std::string directory_;
    InitOptions init_;
    std::string address_;
    std::vector<std::string> targets_;
    std::vector<std::string> filter_;
    std::string subject_;
    bool json_ = false;
    ActOptions act_;
    bool by_sender_ = false;
    bool once_ = false;
    TraceOptions trace_;
};

}  // namespace veredus
