#include "tools/veredus/supervisor/supervisor.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/tools/running.h"
#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/supervisor/status_report.h"

using namespace veredus;
using namespace veredus::supervisor;
namespace fs = std::filesystem;

namespace {

std::size_t count_of(const std::vector<std::string>& events, std::string_view start) {
    return static_cast<std::size_t>(std::ranges::count_if(
        events, [&](const std::string& event) { return event.starts_with(start); }));
}

const DaemonRow* row_of(std::string_view name) {
    for (const DaemonRow& daemon : graph())
        if (daemon.name == name) return &daemon;
    return nullptr;
}

bool is_alive(pid_t pid) {
    return kill(pid, 0) == 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_link_has_one_server_and_somebody_who_dials_it) {
    std::map<std::string_view, int> servers;
    std::set<std::string_view> dialled;
    std::set<unsigned> ports;
    for (const DaemonRow& daemon : graph()) {
        for (const auto link : daemon.serves)
            ++servers[link];
        dialled.insert(daemon.dials.begin(), daemon.dials.end());
        for (const Port& port : daemon.ports)
            BOOST_TEST(ports.insert(port.standard).second, port.name);
    }
    for (const auto& [link, count] : servers)
        BOOST_TEST(count == 1, link);
    for (const auto link : dialled)
        BOOST_TEST(servers.contains(link), link);
    dialled.insert("admin");  // by the administrator's command; so are certificate.*
    for (const auto& [link, count] : servers)
        BOOST_TEST((dialled.contains(link) || link.starts_with("certificate.")), link);
}

BOOST_AUTO_TEST_CASE(pauses_grow_up_to_a_limit) {
    BOOST_TEST(pause_after(0).count() == 0);
    BOOST_TEST(pause_after(1).count() == 100);
    BOOST_TEST(pause_after(4).count() == 800);
    BOOST_TEST(pause_after(100).count() == 10'000);
}

BOOST_AUTO_TEST_CASE(a_daemon_is_told_of_its_own_links_only) {
    const std::map<std::string, std::string> links{
        {"login", "/r/a/login"}, {"session", "/r/b/session"}, {"admin", "/r/c/admin"}};
    const DaemonRow* imapd = row_of("imapd");
    const auto environment =
        environment_of(*imapd, config::InstancePaths::of_directory("/i"), links, "/i/run/notify");
    const auto has = [&](std::string_view line) {
        return std::ranges::find(environment, line) != environment.end();
    };
    BOOST_TEST(has("VEREDUS_DIAL=login=/r/a/login"));
    BOOST_TEST(has("VEREDUS_INSTANCE=/i"));
    BOOST_TEST(has("VEREDUS_CONFIG=/i/run/config/veredus.toml"));
    BOOST_TEST(has("NOTIFY_SOCKET=/i/run/notify"));
}

BOOST_AUTO_TEST_CASE(who_logs_in_elsewhere_alone_has_the_passwords) {
    const auto paths = config::InstancePaths::of_directory("/i");
    for (const DaemonRow& daemon : graph()) {
        const bool relayd = daemon.name == "relayd";
        BOOST_TEST(config_file_of(daemon, paths).string() ==
                   (relayd ? "/i/run/config.relayd/veredus.toml" : "/i/run/config/veredus.toml"));
    }
}

BOOST_AUTO_TEST_CASE(all_daemons_run_with_their_sockets_and_stop_in_order) {
    TestInstance instance;
    instance.start();
    const std::string output = instance.wait_ready();
    BOOST_TEST(output.find("veredus: smtp on 127.0.0.1:" + std::to_string(instance.port(25)) +
                           "\n") != std::string::npos);
    BOOST_TEST(std::ranges::count(output, '\n') == 8);  // seven ports and "ready"
    BOOST_TEST(output.ends_with("veredus: ready\n"));
    BOOST_TEST(instance.greeting(25).starts_with("smtpd "));
    BOOST_TEST(instance.greeting(993).starts_with("imapd "));
    BOOST_TEST(instance.events_of("submitd").at(0).starts_with(
        "started submission-starttls:submissions:certificate.submitd:submission dials intake="));
    BOOST_TEST(instance.events_of("queued").at(0) ==
               "started intake:work.relayd:work.deliverd:admin:queue_list dials ");
    struct stat status{};
    BOOST_REQUIRE(stat(instance.paths().submission_socket().c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0666u);
    BOOST_REQUIRE(stat(instance.paths().links_file().c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0600u);

    instance.signal(SIGTERM);
    BOOST_TEST(instance.wait_end() == EX_OK);
    const auto events = instance.events();
    const auto at = [&](std::string_view event) {
        return std::ranges::find(events, event) - events.begin();
    };
    BOOST_TEST(count_of(events, "") == 18u);
    for (const char* front : {"smtpd stops", "submitd stops", "pop3d stops", "imapd stops"})
        for (const char* worker : {"relayd stops", "deliverd stops"})
            BOOST_TEST(at(front) < at(worker));
    for (const char* owner : {"queued stops", "mailboxd stops", "accountd stops"}) {
        BOOST_TEST(at("relayd stops") < at(owner));
        BOOST_TEST(at("deliverd stops") < at(owner));
    }
    BOOST_TEST(!fs::exists(instance.paths().submission_socket()));
}

BOOST_AUTO_TEST_CASE(a_fallen_daemon_is_started_again_and_refuses_nobody_meanwhile) {
    TestInstance instance;
    instance.start();
    instance.wait_ready();
    const pid_t first = instance.pid_at(25);
    const pid_t other = instance.pid_at(143);
    BOOST_REQUIRE(first > 0);
    kill(first, SIGKILL);
    // The socket is open all the time: this connection waits for the next process.
    const pid_t second = instance.pid_at(25);
    BOOST_TEST(second > 0);
    BOOST_TEST(second != first);
    BOOST_TEST(instance.pid_at(143) == other);
    BOOST_TEST(instance.error_output().find("smtpd[" + std::to_string(first) +
                                            "] was ended by signal 9") != std::string::npos);
    instance.signal(SIGINT);
    BOOST_TEST(instance.wait_end() == EX_OK);
}

BOOST_AUTO_TEST_CASE(a_reload_reaches_all_daemons_if_the_configuration_is_good) {
    TestInstance instance;
    instance.start();
    instance.wait_ready();
    const auto active = [&] {
        return config::Config::load(instance.paths().active_config_file())->queue.paused;
    };
    BOOST_TEST(!active());
    instance.write_config("[queue]\npausd = true");
    instance.signal(SIGHUP);
    BOOST_TEST(wait_until(
        [&] { return instance.error_output().find("did you mean paused?") != std::string::npos; }));
    instance.write_config("[queue]\npaused = true");
    instance.signal(SIGHUP);
    BOOST_TEST(wait_until([&] {
        const auto events = instance.events();
        return std::ranges::count_if(events, [](const std::string& event) {
                   return event.ends_with(" reloads");
               }) == 9;
    }));
    BOOST_TEST(active());
    instance.signal(SIGTERM);
    BOOST_TEST(instance.wait_end() == EX_OK);
}

BOOST_AUTO_TEST_CASE(status_names_the_supervisor_first_and_all_daemons) {
    TestInstance instance;
    BOOST_TEST(status_command(instance.paths(), true) == EX_UNAVAILABLE);
    Child serving;
    serving.daemon = row_of("imapd");
    serving.state = State::serving;
    serving.pid = 4711;
    Child starting = serving;
    starting.daemon = row_of("queued");
    starting.state = State::starting;
    Listenings listenings;
    listenings["imapd"].push_back({"imap", "imap", "127.0.0.1:20143", 20143, {}});
    listenings["imapd"].push_back({"imap", "imap", "[::1]:20143", 20143, {}});
    const auto report = [&](std::vector<Child> children) {
        return nlohmann::json::parse(status_report(
            children, listenings, {.reloads = 2, .at_next_start = {"local.users"}}, Time()));
    };
    const auto ready = report({serving});
    BOOST_TEST(ready["ready"] == true);
    BOOST_TEST(ready["reloads"] == 2U);
    BOOST_TEST(ready["at_next_start"][0] == "local.users");
    BOOST_TEST(ready["daemons"][0]["name"] == "veredus");
    BOOST_TEST(ready["daemons"][0]["pid"] == getpid());
    BOOST_TEST(ready["daemons"][1]["name"] == "imapd");
    BOOST_TEST(ready["daemons"][1]["pid"] == 4711);
    BOOST_TEST(ready["daemons"][1]["ports"] == nlohmann::json::array({20143}));
    BOOST_TEST(report({serving, starting})["ready"] == false);
}

BOOST_AUTO_TEST_CASE(a_second_supervisor_and_a_taken_port_are_named) {
    TestInstance instance;
    instance.start();
    instance.wait_ready();
    const auto why = [](const TestInstance& which) {
        try {
            run_command(which.paths());
            return std::string("it runs");
        } catch (const Failure& failure) {
            return std::string(failure.what());
        }
    };
    BOOST_TEST(why(instance).starts_with("this instance runs already, as process "));
    TestInstance other;
    fs::copy_file(instance.directory / "veredus.toml", other.directory / "veredus.toml",
                  fs::copy_options::overwrite_existing);
    BOOST_TEST(why(other).find(std::to_string(instance.port(25)) +
                               " is taken by another program") != std::string::npos);
    instance.signal(SIGTERM);
    BOOST_TEST(instance.wait_end() == EX_OK);
}

BOOST_AUTO_TEST_CASE(daemons_die_with_the_supervisor_and_the_instance_starts_again) {
    TestInstance instance;
    instance.start();
    instance.wait_ready();
    const pid_t smtpd = instance.pid_at(25);
    instance.signal(SIGKILL);
    BOOST_TEST(instance.wait_end() == 1000 + SIGKILL);
    BOOST_TEST(wait_until([&] { return !is_alive(smtpd); }));
    instance.start();
    instance.wait_ready();
    BOOST_TEST(instance.greeting(25).starts_with("smtpd "));
    // One directory for each link: those of the first run are gone.
    std::size_t directories = 0;
    for (const auto& entry : fs::directory_iterator(instance.paths().run()))
        directories += entry.is_directory() && entry.path().stem() != "config";
    std::size_t links = 0;
    for (const DaemonRow& daemon : graph())
        if (!daemon.serves_host_users) links += daemon.serves.size();
    BOOST_TEST(directories == links);
    instance.signal(SIGTERM);
    BOOST_TEST(instance.wait_end() == EX_OK);
}

BOOST_AUTO_TEST_CASE(started_by_root_the_daemons_are_the_owner_s_and_without_powers) {
    if (getuid() != 0) return;
    constexpr uid_t kOwner = 65534;
    TestInstance instance;
    instance.give_to(kOwner);
    instance.start();
    instance.wait_ready();
    const pid_t smtpd = instance.pid_at(25);
    BOOST_REQUIRE(smtpd > 0);
    std::ifstream file("/proc/" + std::to_string(smtpd) + "/status");
    const std::string status{std::istreambuf_iterator<char>(file), {}};
    for (const char* line : {"Uid:\t65534\t65534\t65534\t65534\n", "Groups:\t \n",
                             "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n"})
        BOOST_TEST(status.find(line) != std::string::npos, line);
    struct stat owner{};
    BOOST_REQUIRE(stat(instance.paths().links_file().c_str(), &owner) == 0);
    BOOST_TEST(owner.st_uid == kOwner);
    instance.signal(SIGKILL);
    instance.wait_end();
    BOOST_TEST(wait_until([&] { return !is_alive(smtpd); }));
}

BOOST_AUTO_TEST_CASE(a_fault_of_the_configuration_ends_the_start_at_once) {
    TestInstance instance;
    instance.order("relayd", "fail 78");
    instance.start();
    BOOST_TEST(instance.wait_end() == EX_CONFIG);
    BOOST_TEST(instance.error_output().find("ended with status 78 before it served") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_never_serves_ends_the_start_after_some_tries) {
    TestInstance instance;
    instance.order("relayd", "fail 71");
    instance.start();
    BOOST_TEST(instance.wait_end() == EX_UNAVAILABLE);
    const std::string errors = instance.error_output();
    BOOST_TEST(errors.find("starting it again in 1600 ms") != std::string::npos);
    BOOST_TEST(errors.find("ended with status 71 before it served") != std::string::npos);
}
