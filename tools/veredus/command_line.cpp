#include "tools/veredus/command_line.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <utility>

#include "common/mailq/filter.h"
#include "tools/shared/failure.h"
#include "tools/veredus/misspelt.h"

namespace veredus {

using config::InstancePaths;

CommandLine::CommandLine()
    : app_("Veredus, a mail system. Without -C the installed host is meant.", "veredus") {
    app_.add_option("-C", directory_, "The directory of an instance");
    app_.set_version_flag("--version", std::string("veredus ") + VEREDUS_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.failure_message([](const CLI::App* app, const CLI::Error& error) {
        return "veredus: " + misspelt(*app, error) + "\n";
    });
    add_instance_commands();
    add_config_commands();
    add_certificate_commands();
    add_help_command();
    add_account_commands();
    add_queue_commands();
    add_pause_commands();
    add_spool_commands();
    add_watching_commands();
}

InstancePaths CommandLine::paths() const {
    return directory_.empty() ? InstancePaths::of_host() : InstancePaths::of_directory(directory_);
}

CommandLine::Command CommandLine::of_address(OfAddress command) {
    return [this, command](const InstancePaths& paths) { return command(paths, address_); };
}

// The command named last wins: `queue list` is `list`.
CLI::App* CommandLine::add(CLI::App& parent, const char* name, const char* help, Command command) {
    CLI::App* app = parent.add_subcommand(name, help);
    app->final_callback([this, command = std::move(command)] {
        if (!chosen_) chosen_ = command;
    });
    return app;
}

void CommandLine::add_instance_commands() {
    CLI::App* init = add(app_, "init", "Make an instance in a new directory",
                         [this](const InstancePaths&) { return init_command(init_); });
    init->add_option("directory", init_.directory, "Where; without it, this host's own");
    init->add_option("--hostname", init_.hostname, "The host's name as others see it");
    init->add_option("--domain", init_.domains, "A domain whose mail is delivered here");
    init->add_option("--port-base", init_.port_base, "Added to every standard port");
    init->add_option("--listen", init_.listen, "An IP address to serve on");
    add(app_, "run", "Run all daemons in the foreground", run_command);
    add(app_, "reload", "Read the configuration again, in all daemons or, with errors, in none",
        reload_command);
    add(app_, "check", "Look for faults, and say how to mend them", check_command);
    add(app_, "status", "Is everything running?", [this](const InstancePaths& paths) {
        return status_command(paths, json_);
    })->add_flag("--json", json_, "For programs");
}

void CommandLine::add_config_commands() {
    CLI::App* config = app_.add_subcommand("config", "The configuration: show, check, activate");
    config->require_subcommand(1);
    add(*config, "show", "Each setting, its value, and where that comes from", config_show_command);
    add(*config, "check", "Look for errors in the configuration, or in a file that may become it",
        [this](const InstancePaths& paths) { return config_check_command(paths, subject_); })
        ->add_option("file", subject_);
    add(*config, "activate", "Check it and put it in force (systemd runs this)",
        config_activate_command);
}

void CommandLine::add_certificate_commands() {
    CLI::App* certificate = add(app_, "certificate", "The certificate that clients are shown",
                                certificate_show_command);
    certificate->require_subcommand(0, 1);
    add(*certificate, "renew", "Serve new connections with what lies in the files now",
        certificate_renew_command);
    add(*certificate, "watch", "Do so whenever the files change (systemd runs this)",
        certificate_watch_command);
}

void CommandLine::add_account_commands() {
    CLI::App* user = app_.add_subcommand("user", "Users: add, list, passwd, remove");
    user->require_subcommand(1);
    add(*user, "add", "Add a user; the password is asked for, or one line of standard input",
        of_address(user_add_command))
        ->add_option("address", address_, "ann@example.org")
        ->required();
    add(*user, "list", "List all users", user_list_command);
    add(*user, "passwd", "Change a password", of_address(user_passwd_command))
        ->add_option("address", address_)
        ->required();
    add(*user, "remove", "Remove a user; his mail stays on disk", of_address(user_remove_command))
        ->add_option("address", address_)
        ->required();

    CLI::App* alias = app_.add_subcommand("alias", "Aliases: add, list, load, remove");
    alias->require_subcommand(1);
    CLI::App* alias_add = add(*alias, "add", "Deliver mail for an address to others",
                              [this](const InstancePaths& paths) {
                                  return alias_add_command(paths, address_, targets_);
                              });
    alias_add->add_option("address", address_)->required();
    alias_add->add_option("targets", targets_)->required();
    add(*alias, "list", "List all aliases", alias_list_command);
    add(*alias, "load", "Read /etc/aliases again, as newaliases does", alias_load_command);
    add(*alias, "remove", "Remove an alias", of_address(alias_remove_command))
        ->add_option("address", address_)
        ->required();
}

void CommandLine::add_queue_commands() {
    const char* const kFilterHelp =
        "Queue ids, all, or terms that all hold: from=, to=, domain=, user=, older=4h, newer=1d, "
        "larger=1MiB, smaller=, state=, reason=, attempts=, message-id=";
    const Command list = [this](const InstancePaths& paths) {
        return queue_list_command(paths, filter_, json_);
    };
    CLI::App* queue = add(
        app_, "queue",
        "The mail that waits: list, show, body, hold, release, "
        "retry, delete, bounce, shape",
        [this, list](const InstancePaths& paths) {
            if (!filter_.empty() && !mailq::may_be_term(filter_.front()))
                throw Failure(EX_USAGE, no_command(*app_.get_subcommand("queue"), filter_.front()));
            return list(paths);
        });
    queue->require_subcommand(0, 1);
    queue->add_option("filter", filter_, kFilterHelp);
    queue->add_flag("--json", json_, "A line of JSON for each message");
    CLI::App* queue_list = add(*queue, "list", "List the queue", list);
    queue_list->add_option("filter", filter_, kFilterHelp);
    queue_list->add_flag("--json", json_, "A line of JSON for each message");
    CLI::App* show = add(
        *queue, "show", "All that is known of messages",
        [this](const InstancePaths& paths) { return queue_show_command(paths, filter_, json_); });
    show->add_option("filter", filter_, kFilterHelp)->required();
    show->add_flag("--json", json_, "A line of JSON for each message");
    add(*queue, "body", "A message as it was received",
        [this](const InstancePaths& paths) { return queue_body_command(paths, subject_); })
        ->add_option("id", subject_)
        ->required();
    struct Verb {
        const char *name, *help;
    };
    for (const Verb verb : {Verb{"hold", "Keep messages back"}, Verb{"release", "End a hold"},
                            Verb{"retry", "Try to deliver now"},
                            Verb{"delete", "Delete messages without a word to anybody"},
                            Verb{"bounce", "Return messages to their senders"}}) {
        CLI::App* act =
            add(*queue, verb.name, verb.help, [this, name = verb.name](const InstancePaths& paths) {
                return queue_act_command(paths, name, filter_, act_);
            });
        act->add_option("filter", filter_, kFilterHelp)->required();
        act->add_flag("--dry-run", act_.dry_run, "Only say how many and which");
        act->add_flag("--yes", act_.yes, "Ask no question");
        act->add_flag("--json", act_.json, "For programs");
    }
    CLI::App* shape = add(*queue, "shape", "What waits, by destination and age",
                          [this](const InstancePaths& paths) {
                              return queue_shape_command(paths, by_sender_, json_);
                          });
    shape->add_flag("--sender", by_sender_, "By the senders' domains");
    shape->add_flag("--json", json_, "A line of JSON for each domain");
}

void CommandLine::add_pause_commands() {
    constexpr const char* kName =
        "example.net, a next hop: smtp.example.net, [192.0.2.1]:25; of a sender ann@example.org, "
        "a domain, a user, <>";
    CLI::App* pause = add(app_, "pause", "Let mail to a destination or from a sender wait",
                          [this](const InstancePaths& paths) {
                              return pause_command(paths, subject_, address_, json_);
                          });
    pause->add_option("of", subject_, "destination or sender; without it, what is paused");
    pause->add_option("name", address_, kName);
    pause->add_flag("--json", json_, "A line of JSON for each");
    CLI::App* resume = add(
        app_, "resume", "End a pause; what waited is tried now",
        [this](const InstancePaths& paths) { return resume_command(paths, subject_, address_); });
    resume->add_option("of", subject_, "destination or sender")->required();
    resume->add_option("name", address_, kName)->required();
}

void CommandLine::add_spool_commands() {
    CLI::App* spool = app_.add_subcommand("spool", "The queue on disk: check, repair");
    spool->require_subcommand(1);
    add(*spool, "check", "Compare all that is there with what it should be",
        [this](const InstancePaths& paths) { return spool_check_command(paths, json_); })
        ->add_flag("--json", json_, "For programs");
    add(*spool, "repair", "Mend what check finds; the instance must be stopped",
        spool_repair_command);
}

void CommandLine::add_help_command() {
    add(app_, "help", "The manual: its topics, or one of them", [this](const InstancePaths&) {
        const auto meant = [this](const CLI::App* known) { return known->get_name() == subject_; };
        const auto command = app_.get_subcommands(meant);
        if (command.empty()) return help_command(subject_);
        fmt::print("{}", command.front()->help(app_.get_name()));
        return EX_OK;
    })->add_option("topic", subject_);
}

void CommandLine::add_watching_commands() {
    CLI::App* top =
        add(app_, "top", "The flow of the mail, second by second",
            [this](const InstancePaths& paths) { return top_command(paths, once_, json_); });
    top->add_flag("--once", once_, "One second, without a terminal");
    top->add_flag("--json", json_, "A line of JSON each second");
    CLI::App* trace =
        add(app_, "trace", "The story of a message, also of one that has left",
            [this](const InstancePaths& paths) { return trace_command(paths, trace_); });
    trace->add_option("what", trace_.what, "A queue id, a Message-ID or an address")->required();
    trace->add_option("--since", trace_.since, "Arrived since then: 2d, 3h, 2026-11-25");
    trace->add_option("--limit", trace_.limit, "The most messages shown")->capture_default_str();
    trace->add_flag("--json", trace_.json, "A line of JSON for each message");
}

}  // namespace veredus
