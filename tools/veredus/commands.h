#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/instance.h"

// Each command of `veredus` is a function in a file of its own. They write to standard output,
// throw Failure when they cannot, and return a code of sysexits.h.
namespace veredus {

// The instance's configuration; what is wrong with it goes to standard error, a line each. Throws
// Failure (EX_CONFIG).
config::Config load_config(const config::InstancePaths& paths, config::Origins* origins = nullptr);
config::Config load_config_file(const std::filesystem::path& file,
                                config::Origins* origins = nullptr);

struct InitOptions {
    std::string directory;             // empty: the installed host
    std::string hostname;              // empty: this host's
    std::vector<std::string> domains;  // empty: the hostname
    unsigned port_base = 0;
    std::vector<std::string> listen;  // empty: the default
};
int init_command(const InitOptions& options);

// Tells all daemons of a changed configuration; with errors none of them. Returns when that is
// done.
int reload_command(const config::InstancePaths& paths);

// Each setting, its value and where that comes from.
int config_show_command(const config::InstancePaths& paths);
// Of a file with its drop-ins; empty: the instance's own.
int config_check_command(const config::InstancePaths& paths, const std::string& file);
// What systemd runs before the daemons and on reload: checks the configuration and puts it in
// force.
int config_activate_command(const config::InstancePaths& paths);

// The certificate in the configured files: whose, how long, is it right?
int certificate_show_command(const config::InstancePaths& paths);
// Hands it to the daemons that serve with it.
int certificate_renew_command(const config::InstancePaths& paths);
// Does so whenever the files change, until SIGTERM; a service where systemd runs the daemons.
int certificate_watch_command(const config::InstancePaths& paths);

// Pages of docs/ (manual.h); without a topic, which there are.
int help_command(const std::string& topic);

int run_command(const config::InstancePaths& paths);
int check_command(const config::InstancePaths& paths);
int status_command(const config::InstancePaths& paths, bool json);

int user_add_command(const config::InstancePaths& paths, const std::string& address);
int user_list_command(const config::InstancePaths& paths);
int user_passwd_command(const config::InstancePaths& paths, const std::string& address);
int user_remove_command(const config::InstancePaths& paths, const std::string& address);

int alias_add_command(const config::InstancePaths& paths, const std::string& address,
                      const std::vector<std::string>& targets);
int alias_list_command(const config::InstancePaths& paths);
// Brings the alias file into the accounts: EX_DATAERR when a line of it is wrong; the others count.
int alias_load_command(const config::InstancePaths& paths);
int alias_remove_command(const config::InstancePaths& paths, const std::string& address);

// `filter`: words of mailq::parse_filter.
int queue_list_command(const config::InstancePaths& paths, const std::vector<std::string>& filter,
                       bool json);
int queue_show_command(const config::InstancePaths& paths, const std::vector<std::string>& filter,
                       bool json);
int queue_body_command(const config::InstancePaths& paths, const std::string& id);
int queue_shape_command(const config::InstancePaths& paths, bool by_sender, bool json);
struct ActOptions {
    bool dry_run = false;
    bool yes = false;  // no question
    bool json = false;
};
// `verb`: "hold", "release", "retry", "delete", "bounce".
int queue_act_command(const config::InstancePaths& paths, const std::string& verb,
                      const std::vector<std::string>& filter, const ActOptions& options);

// `kind`: "destination" or "sender"; empty: what is paused is listed.
int pause_command(const config::InstancePaths& paths, const std::string& kind,
                  const std::string& name, bool json);
int resume_command(const config::InstancePaths& paths, const std::string& kind,
                   const std::string& name);

// Whether the queue on disk is sound; EX_DATAERR when not. While the instance runs, too.
int spool_check_command(const config::InstancePaths& paths, bool json);
// Mends it; the instance must be stopped.
int spool_repair_command(const config::InstancePaths& paths);

// Redrawn every second; with `once` one screen, with `json` a line a second.
int top_command(const config::InstancePaths& paths, bool once, bool json);

struct TraceOptions {
    std::string what;   // a queue id, a Message-ID, or an address of the envelope
    std::string since;  // "2d", "2026-11-25"; empty: as far as the ledger goes
    std::uint64_t limit = 50;
    bool json = false;
};
int trace_command(const config::InstancePaths& paths, const TraceOptions& options);

}  // namespace veredus
