#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tools/veredus/supervisor/graph.h"
#include "tools/veredus/systemd/services_report.h"
#include "tools/veredus/systemd/units.h"

using namespace veredus;

BOOST_AUTO_TEST_SUITE(systemd_units)

namespace {

systemd::Files host_units() {
    return systemd::units(config::InstancePaths::of_host());
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_daemon_is_a_service_that_dials_what_the_graph_says) {
    const auto files = host_units();
    for (const auto& daemon : supervisor::graph()) {
        const std::string name(daemon.name);
        BOOST_TEST_CONTEXT(name) {
            const std::string& unit = files.at("veredus-" + name + ".service");
            BOOST_TEST(has_line(unit, "ExecStart=/usr/lib/veredus/" + name));
            std::string dial;
            for (const auto link : daemon.dials)
                dial += (dial.empty() ? "" : ";") + std::string(link) + "=/run/veredus/link/" +
                        std::string(link) + "/socket";
            BOOST_TEST(has_line(unit, "Environment=\"VEREDUS_DIAL=" + dial + "\""));
            for (const auto& other : supervisor::graph())
                for (const auto link : other.serves) {
                    const bool hidden =
                        has_line(unit, "InaccessiblePaths=-/run/veredus/link/" + std::string(link));
                    const bool seen = std::ranges::find(daemon.dials, link) != daemon.dials.end() ||
                                      (name == "locald" && other.name == "locald");
                    BOOST_TEST(hidden != seen, link);
                }
        }
    }
}

BOOST_AUTO_TEST_CASE(only_relayd_and_programs_of_users_have_a_network) {
    for (const auto& [name, text] : host_units())
        if (name.ends_with(".service") && name != "veredus.service")
            BOOST_TEST(has_line(text, "PrivateNetwork=yes") ==
                           (name != "veredus-relayd.service" && name != "veredus-locald.service"),
                       name);
}

BOOST_AUTO_TEST_CASE(sockets_are_handed_over_under_the_graphs_names) {
    const auto files = host_units();
    const std::string& submissions = files.at("veredus-submissions.socket");
    BOOST_TEST(has_line(submissions, "ListenStream=127.0.0.1:465"));
    BOOST_TEST(has_line(submissions, "ListenStream=[::1]:465"));
    BOOST_TEST(has_line(submissions, "FileDescriptorName=submissions"));
    BOOST_TEST(has_line(submissions, "Service=veredus-submitd.service"));
    const std::string& intake = files.at("veredus-link-intake.socket");
    BOOST_TEST(has_line(intake, "ListenSequentialPacket=/run/veredus/link/intake/socket"));
    BOOST_TEST(has_line(intake, "SocketMode=0600"));
    BOOST_TEST(has_line(files.at("veredus-local.socket"), "SocketMode=0666"));
}

BOOST_AUTO_TEST_CASE(nothing_is_dropped_in_where_the_configuration_says_nothing) {
    BOOST_TEST(systemd::drop_ins(config::InstancePaths::of_host(), {}).empty());
}

BOOST_AUTO_TEST_CASE(ports_and_certificate_of_the_configuration_replace_the_defaults) {
    config::Config config;
    config.listen.address = {"192.0.2.1", "2001:db8::1"};
    config.listen.port_base = 1000;
    config.tls.certificate = "tls/other.pem";
    config.tls.key = "/srv/key.pem";
    const auto files = systemd::drop_ins(config::InstancePaths::of_host(), config);
    BOOST_TEST(files.at("veredus-imaps.socket.d/veredus-toml.conf") ==
               "# From veredus.toml.\n[Socket]\nListenStream=\nListenStream=192.0.2.1:1993\n"
               "ListenStream=[2001:db8::1]:1993\n");
    BOOST_TEST(files.at("veredus-imapd.service.d/veredus-toml.conf") ==
               "# From veredus.toml.\n[Service]\nLoadCredential=tls.certificate:/etc/veredus/tls/"
               "other.pem\nLoadCredential=tls.key:/srv/key.pem\n");
    BOOST_TEST(!files.contains("veredus-queued.service.d/veredus-toml.conf"));
    BOOST_TEST(!files.contains("veredus-local.socket.d/veredus-toml.conf"));
}

BOOST_AUTO_TEST_CASE(status_is_told_in_the_supervisors_words) {
    const auto report = systemd::services_report(
        "Id=veredus-imapd.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
        "MainPID=12\nNRestarts=3\nActiveEnterTimestampMonotonic=5000000\n\n"
        "Id=veredus-pop3d.service\nLoadState=loaded\nActiveState=activating\n"
        "SubState=auto-restart\nMainPID=0\nNRestarts=1\n",
        "Id=veredus-imap.socket\nActiveState=active\nListen=127.0.0.1:143 (Stream)\n"
        "Listen=[::1]:143 (Stream)\n",
        65'000'000);
    BOOST_REQUIRE(report.has_value());
    BOOST_TEST(!(*report)["ready"].get<bool>());
    const auto& daemons = (*report)["daemons"];
    BOOST_REQUIRE(daemons.size() == 2);
    BOOST_TEST(daemons[0]["name"] == "pop3d");
    BOOST_TEST(daemons[0]["state"] == "waiting");
    const auto& imapd = daemons[1];
    BOOST_TEST(imapd["state"] == "serving");
    BOOST_TEST(imapd["pid"] == 12);
    BOOST_TEST(imapd["restarts"] == 3);
    BOOST_TEST(imapd["uptime_s"] == 60);
    BOOST_TEST(imapd["ports"] == nlohmann::json::array({143}));
    BOOST_TEST(imapd["listening"][1]["address"] == "[::1]:143");
}

BOOST_AUTO_TEST_CASE(a_host_that_is_stopped_is_not_running) {
    BOOST_TEST(!systemd::services_report(
        "Id=veredus-imapd.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n", "",
        0));
    BOOST_TEST(!systemd::services_report("", "", 0));
}

BOOST_AUTO_TEST_SUITE_END()
