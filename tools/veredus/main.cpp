// veredus: the administrator's command. `veredus run` is also the supervisor of an instance.
#include <fmt/format.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/owner.h"

namespace {

using veredus::config::InstancePaths;
using Command = std::function<int(const InstancePaths&)>;

// What the command line said, where CLI11 puts it while parsing.
struct Words {
    std::string directory;
    veredus::InitOptions init;
    std::string address;
    std::vector<std::string> targets;
    std::vector<std::string> filter;
    std::string subject;
    bool json = false;
    veredus::ActOptions act;
    bool by_sender = false;
    bool once = false;
    veredus::TraceOptions trace;
};

// The command named last wins: `queue list` is `list`.
CLI::App* add(CLI::App& parent, const char* name, const char* help, Command& chosen,
              Command command) {
    CLI::App* app = parent.add_subcommand(name, help);
    app->final_callback([&chosen, command = std::move(command)] {
        if (!chosen) chosen = command;
    });
    return app;
}

void add_instance_commands(CLI::App& app, Words& words, Command& chosen) {
    CLI::App* init = add(app, "init", "Make an instance in a new directory", chosen,
                         [&](const InstancePaths&) { return veredus::init_command(words.init); });
    init->add_option("directory", words.init.directory, "Where; without it, this host's own");
    init->add_option("--hostname", words.init.hostname, "The host's name as others see it");
    init->add_option("--domain", words.init.domains, "A domain whose mail is delivered here");
    init->add_option("--port-base", words.init.port_base, "Added to every standard port");
    init->add_option("--listen", words.init.listen, "An IP address to serve on");
    add(app, "run", "Run all daemons in the foreground", chosen, veredus::run_command);
    add(app, "check", "Look for faults, and say how to mend them", chosen, veredus::check_command);
    add(app, "status", "Is everything running?", chosen, [&](const InstancePaths& paths) {
        return veredus::status_command(paths, words.json);
    })->add_flag("--json", words.json, "For programs");
}

void add_config_commands(CLI::App& app, Words& words, Command& chosen) {
    CLI::App* config = app.add_subcommand("config", "The configuration: show, check, activate");
    config->require_subcommand(1);
    add(*config, "show", "Each setting, its value, and where that comes from", chosen,
        veredus::config_show_command);
    add(*config, "check", "Look for errors in the configuration, or in a file that may become it",
        chosen,
        [&](const InstancePaths& paths) {
            return veredus::config_check_command(paths, words.subject);
        })
        ->add_option("file", words.subject);
    add(*config, "activate", "Check it and put it in force (systemd runs this)", chosen,
        veredus::config_activate_command);
}

void add_account_commands(CLI::App& app, Words& words, Command& chosen) {
    using namespace veredus;
    const auto of_address = [&](int (*command)(const InstancePaths&, const std::string&)) {
        return
            [&words, command](const InstancePaths& paths) { return command(paths, words.address); };
    };
    CLI::App* user = app.add_subcommand("user", "Users: add, list, passwd, remove");
    user->require_subcommand(1);
    add(*user, "add", "Add a user; the password is asked for, or one line of standard input",
        chosen, of_address(user_add_command))
        ->add_option("address", words.address, "ann@example.org")
        ->required();
    add(*user, "list", "List all users", chosen, user_list_command);
    add(*user, "passwd", "Change a password", chosen, of_address(user_passwd_command))
        ->add_option("address", words.address)
        ->required();
    add(*user, "remove", "Remove a user; his mail stays on disk", chosen,
        of_address(user_remove_command))
        ->add_option("address", words.address)
        ->required();

    CLI::App* alias = app.add_subcommand("alias", "Aliases: add, list, load, remove");
    alias->require_subcommand(1);
    CLI::App* alias_add = add(*alias, "add", "Deliver mail for an address to others", chosen,
                              [&](const InstancePaths& paths) {
                                  return alias_add_command(paths, words.address, words.targets);
                              });
    alias_add->add_option("address", words.address)->required();
    alias_add->add_option("targets", words.targets)->required();
    add(*alias, "list", "List all aliases", chosen, alias_list_command);
    add(*alias, "load", "Read /etc/aliases again, as newaliases does", chosen, alias_load_command);
    add(*alias, "remove", "Remove an alias", chosen, of_address(alias_remove_command))
        ->add_option("address", words.address)
        ->required();
}

void add_queue_commands(CLI::App& app, Words& words, Command& chosen) {
    using namespace veredus;
    const char* const kFilterHelp =
        "Queue ids, all, or terms that all hold: from=, to=, domain=, user=, older=4h, newer=1d, "
        "larger=1MiB, smaller=, state=, reason=, attempts=, message-id=";
    const Command list = [&](const InstancePaths& paths) {
        return queue_list_command(paths, words.filter, words.json);
    };
    CLI::App* queue = add(app, "queue",
                          "The mail that waits: list, show, body, hold, release, "
                          "retry, delete, bounce, shape",
                          chosen, list);
    queue->require_subcommand(0, 1);
    queue->add_flag("--json", words.json, "A line of JSON for each message");
    CLI::App* queue_list = add(*queue, "list", "List the queue", chosen, list);
    queue_list->add_option("filter", words.filter, kFilterHelp);
    queue_list->add_flag("--json", words.json, "A line of JSON for each message");
    CLI::App* show = add(*queue, "show", "All that is known of messages", chosen,
                         [&](const InstancePaths& paths) {
                             return queue_show_command(paths, words.filter, words.json);
                         });
    show->add_option("filter", words.filter, kFilterHelp)->required();
    show->add_flag("--json", words.json, "A line of JSON for each message");
    add(*queue, "body", "A message as it was received", chosen,
        [&](const InstancePaths& paths) { return queue_body_command(paths, words.subject); })
        ->add_option("id", words.subject)
        ->required();
    struct Verb {
        const char *name, *help;
    };
    for (const Verb verb : {Verb{"hold", "Keep messages back"}, Verb{"release", "End a hold"},
                            Verb{"retry", "Try to deliver now"},
                            Verb{"delete", "Delete messages without a word to anybody"},
                            Verb{"bounce", "Return messages to their senders"}}) {
        CLI::App* act = add(*queue, verb.name, verb.help, chosen,
                            [&words, name = verb.name](const InstancePaths& paths) {
                                return queue_act_command(paths, name, words.filter, words.act);
                            });
        act->add_option("filter", words.filter, kFilterHelp)->required();
        act->add_flag("--dry-run", words.act.dry_run, "Only say how many and which");
        act->add_flag("--yes", words.act.yes, "Ask no question");
        act->add_flag("--json", words.act.json, "For programs");
    }
    CLI::App* shape = add(*queue, "shape", "What waits, by destination and age", chosen,
                          [&](const InstancePaths& paths) {
                              return queue_shape_command(paths, words.by_sender, words.json);
                          });
    shape->add_flag("--sender", words.by_sender, "By the senders' domains");
    shape->add_flag("--json", words.json, "A line of JSON for each domain");
}

void add_pause_commands(CLI::App& app, Words& words, Command& chosen) {
    using namespace veredus;
    constexpr const char* kName =
        "example.net, a next hop as in `veredus top`; of a sender ann@example.org, a domain, a "
        "user, <>";
    CLI::App* pause = add(app, "pause", "Let mail to a destination or from a sender wait", chosen,
                          [&](const InstancePaths& paths) {
                              return pause_command(paths, words.subject, words.address, words.json);
                          });
    pause->add_option("of", words.subject, "destination or sender; without it, what is paused");
    pause->add_option("name", words.address, kName);
    pause->add_flag("--json", words.json, "A line of JSON for each");
    CLI::App* resume = add(app, "resume", "End a pause; what waited is tried now", chosen,
                           [&](const InstancePaths& paths) {
                               return resume_command(paths, words.subject, words.address);
                           });
    resume->add_option("of", words.subject, "destination or sender")->required();
    resume->add_option("name", words.address, kName)->required();
}

void add_spool_commands(CLI::App& app, Words& words, Command& chosen) {
    using namespace veredus;
    CLI::App* spool = app.add_subcommand("spool", "The queue on disk: check, repair");
    spool->require_subcommand(1);
    add(*spool, "check", "Compare all that is there with what it should be", chosen,
        [&](const InstancePaths& paths) { return spool_check_command(paths, words.json); })
        ->add_flag("--json", words.json, "For programs");
    add(*spool, "repair", "Mend what check finds; the instance must be stopped", chosen,
        spool_repair_command);
}

void add_watching_commands(CLI::App& app, Words& words, Command& chosen) {
    using namespace veredus;
    CLI::App* top =
        add(app, "top", "The flow of the mail, second by second", chosen,
            [&](const InstancePaths& paths) { return top_command(paths, words.once, words.json); });
    top->add_flag("--once", words.once, "One second, without a terminal");
    top->add_flag("--json", words.json, "A line of JSON each second");
    CLI::App* trace =
        add(app, "trace", "The story of a message, also of one that has left", chosen,
            [&](const InstancePaths& paths) { return trace_command(paths, words.trace); });
    trace->add_option("what", words.trace.what, "A queue id, a Message-ID or an address")
        ->required();
    trace->add_option("--since", words.trace.since, "Arrived since then: 2d, 3h, 2026-11-25");
    trace->add_option("--limit", words.trace.limit, "The most messages shown")
        ->capture_default_str();
    trace->add_flag("--json", words.trace.json, "A line of JSON for each message");
}

int run(int argc, char** argv) {
    Words words;
    Command chosen;
    CLI::App app{"Veredus, a mail system. Without -C the installed host is meant.", "veredus"};
    app.add_option("-C", words.directory, "The directory of an instance");
    app.set_version_flag("--version", std::string("veredus ") + VEREDUS_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    add_instance_commands(app, words, chosen);
    add_config_commands(app, words, chosen);
    add_account_commands(app, words, chosen);
    add_queue_commands(app, words, chosen);
    add_pause_commands(app, words, chosen);
    add_spool_commands(app, words, chosen);
    add_watching_commands(app, words, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EX_OK : EX_USAGE;
    }
    const InstancePaths paths = words.directory.empty()
                                    ? InstancePaths::of_host()
                                    : InstancePaths::of_directory(words.directory);
    veredus::act_as_owner(paths);
    return chosen(paths);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const veredus::Failure& failure) {
        fmt::print(stderr, "veredus: {}\n", failure.what());
        return failure.status;
    } catch (const std::exception& error) {
        fmt::print(stderr, "veredus: {}\n", error.what());
        return EX_SOFTWARE;
    }
}
