// What the administrator's commands do to an instance's directory, and how they speak to queued.
#include "tools/veredus/commands.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include "common/ipc/wire.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/veredus/accounts.h"
#include "tools/veredus/supervisor/sockets.h"

using namespace veredus;
namespace fs = std::filesystem;

namespace {

// What a command prints to standard output.
std::string printed(const std::function<void()>& command) {
    std::fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    const int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    dup2(file, STDOUT_FILENO);
    command();
    std::fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    std::string text(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
    BOOST_TEST(pread(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    close(file);
    return text;
}

class NewInstance {
  public:
    NewInstance() {
        std::string name = "/tmp/veredus-init-XXXXXX";
        BOOST_REQUIRE(mkdtemp(name.data()) != nullptr);
        above = name;
        printed([&] {
            BOOST_TEST(init_command({.directory = above / "demo",
                                     .hostname = "MX.A.example",
                                     .domains = {"a.example", "b.example"},
                                     .port_base = 20000}) == EX_OK);
        });
    }
    ~NewInstance() { fs::remove_all(above); }
    NewInstance(const NewInstance&) = delete;
    NewInstance& operator=(const NewInstance&) = delete;

    config::InstancePaths paths() const {
        return config::InstancePaths::of_directory(above / "demo");
    }
    fs::path above;
};

unsigned mode_of(const fs::path& path) {
    struct stat status{};
    BOOST_REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
}

int failure_of(const std::function<void()>& command) {
    try {
        command();
    } catch (const Failure& failure) {
        return failure.status;
    }
    return EX_OK;
}

void type_in(const std::string& text, const std::function<void()>& command) {
    const int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    BOOST_TEST(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    lseek(file, 0, SEEK_SET);
    const int saved = dup(STDIN_FILENO);
    dup2(file, STDIN_FILENO);
    std::cin.clear();
    std::cin.sync();
    command();
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(file);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(commands)

BOOST_AUTO_TEST_CASE(init_makes_an_instance_that_has_nothing_to_mend_but_users) {
    const NewInstance instance;
    const auto paths = instance.paths();
    const auto config = config::Config::load(paths.config_file());
    BOOST_REQUIRE(config.has_value());
    BOOST_TEST(config->hostname == "mx.a.example");
    BOOST_TEST(config->domains == (std::vector<std::string>{"a.example", "b.example"}),
               boost::test_tools::per_element());
    BOOST_TEST(config->listen.port_base == 20000u);
    BOOST_TEST(mode_of(paths.config_file()) == 0600u);
    BOOST_TEST(mode_of(paths.tls() / "key.pem") == 0600u);
    BOOST_TEST(mode_of(paths.tls() / "ca.pem") == 0644u);
    BOOST_TEST(mode_of(paths.spool()) == 0700u);
    BOOST_TEST(mode_of(paths.mail()) == 0700u);
    BOOST_TEST(mode_of(paths.run()) == 0711u);
    BOOST_TEST(mode_of(paths.accounts_db()) == 0600u);
    const std::string findings = printed([&] { BOOST_TEST(check_command(paths) == EX_OK); });
    BOOST_TEST(findings.find("note: there is no user") != std::string::npos);
    BOOST_TEST(findings.find("error:") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(init_overwrites_nothing) {
    const NewInstance instance;
    const InitOptions again{.directory = instance.paths().directory()};
    BOOST_TEST(failure_of([&] { init_command(again); }) == EX_CANTCREAT);
    fs::create_directory(instance.above / "full");
    std::ofstream(instance.above / "full/file") << "x";
    BOOST_TEST(failure_of([&] { init_command({.directory = instance.above / "full"}); }) ==
               EX_CANTCREAT);
    BOOST_TEST(failure_of([&] {
                   init_command({.directory = instance.above / "new", .hostname = "not a name"});
               }) == EX_USAGE);
    BOOST_TEST(!fs::exists(instance.above / "new"));
}

BOOST_AUTO_TEST_CASE(check_finds_what_keeps_an_instance_from_serving) {
    const NewInstance instance;
    const auto paths = instance.paths();
    const NewInstance other;
    fs::copy_file(other.paths().tls() / "key.pem", paths.tls() / "key.pem",
                  fs::copy_options::overwrite_existing);
    chmod((paths.tls() / "key.pem").c_str(), 0644);
    chmod(paths.spool().c_str(), 0755);
    fs::remove_all(paths.mail());
    const std::string findings = printed([&] { BOOST_TEST(check_command(paths) == EX_CONFIG); });
    const auto finds = [&](const std::string& text) {
        BOOST_TEST(findings.find(text) != std::string::npos, text << " in " << findings);
    };
    finds("cert.pem: it does not belong to its key");
    finds("key.pem can be read by everybody\n  mend: chmod o-r");
    finds("spool is open to other users\n  mend: chmod 0700");
    finds("mail is not there\n  mend: mkdir");
    std::ofstream(paths.config_file(), std::ios::app) << "[queue]\npausd = true\n";
    BOOST_TEST(failure_of([&] { check_command(paths); }) == EX_CONFIG);
}

BOOST_AUTO_TEST_CASE(users_come_and_go) {
    const NewInstance instance;
    const auto paths = instance.paths();
    const std::string said = printed(
        [&] { type_in("secret\n", [&] { BOOST_TEST(user_add_command(paths, "Ann") == EX_OK); }); });
    BOOST_TEST(said == "ann@a.example added\n");
    BOOST_TEST(failure_of([&] { user_add_command(paths, "ann@a.example"); }) == EX_CANTCREAT);
    BOOST_TEST(failure_of([&] { user_add_command(paths, "ann@c.example"); }) == EX_DATAERR);
    BOOST_TEST(failure_of([&] { user_add_command(paths, "a nn"); }) == EX_DATAERR);
    BOOST_TEST(failure_of([&] { user_remove_command(paths, "bob"); }) == EX_NOUSER);
    BOOST_TEST(printed([&] { user_list_command(paths); }) == "ann@a.example\n");
    printed([&] { alias_add_command(paths, "info@b.example", {"ann", "x@c.example"}); });
    printed([&] { alias_add_command(paths, "@b.example", {"ann"}); });
    BOOST_TEST(printed([&] { alias_list_command(paths); }) ==
               "@b.example: ann@a.example\ninfo@b.example: ann@a.example, x@c.example\n");
    BOOST_TEST(failure_of([&] { alias_add_command(paths, "ann", {"x@c.example"}); }) ==
               EX_CANTCREAT);
    printed([&] { alias_remove_command(paths, "info@b.example"); });
    BOOST_TEST(failure_of([&] { alias_remove_command(paths, "info@b.example"); }) == EX_NOUSER);
    printed([&] { user_remove_command(paths, "ann"); });
    BOOST_TEST(printed([&] { user_list_command(paths); }) == "");
}

BOOST_AUTO_TEST_CASE(an_empty_password_is_none) {
    const NewInstance instance;
    type_in("\n", [&] {
        BOOST_TEST(failure_of([&] { user_add_command(instance.paths(), "ann"); }) == EX_DATAERR);
    });
}

// queued's part is played by a thread, which says what it has heard.
BOOST_AUTO_TEST_CASE(the_admin_link_asks_and_waits) {
    using namespace veredus::ipc::admin;
    const NewInstance instance;
    const auto paths = instance.paths();
    BOOST_TEST(failure_of([&] { AdminLink link(paths); }) == EX_UNAVAILABLE);

    const fs::path path = paths.run() / "admin";
    const net::Descriptor listening = supervisor::open_unix_socket(path, SOCK_SEQPACKET, 0600);
    std::ofstream(paths.links_file()) << "intake /x\nadmin " << path.string() << "\n";
    std::vector<Request> heard;
    std::thread queued([&] {
        pollfd incoming{listening.get(), POLLIN, 0};
        poll(&incoming, 1, -1);
        const net::Descriptor client(accept(listening.get(), nullptr, nullptr));
        const auto hear = [&] {
            std::string packet(100'000, '\0');
            const ssize_t length = recv(client.get(), packet.data(), packet.size(), 0);
            packet.resize(static_cast<std::size_t>(length));
            for (Request& request : ipc::decode<Request>(packet))
                heard.push_back(std::move(request));
        };
        const auto say = [&](std::vector<Answer> answers) {
            std::string packet;
            for (const Answer& answer : answers)
                ipc::encode(answer, packet);
            send(client.get(), packet.data(), packet.size(), 0);
        };
        hear();
        say({Rows{.request = 1, .rows = {Row{.id = mail::QueueId(1), .sender = "a@a.example"}}}});
        say({Rows{.request = 1, .rows = {Row{.id = mail::QueueId(2), .sender = "b@b.example"}}},
             Done{.request = 1, .ok = true, .count = 2}});
        hear();
        say({Done{.request = 1, .ok = true, .count = 7}});
        hear();
        say({Depth{.request = 1, .messages = 3}});
        hear();
        say({Done{.request = 1, .ok = false, .text = "no such message"}});
        hear();  // the end
    });
    {
        AdminLink link(paths);
        std::vector<std::string> senders;
        link.list(parse_filter({"domain=b.example"}), {.with_history = true},
                  [&](const Row& row) { senders.push_back(row.sender); });
        BOOST_TEST(senders == (std::vector<std::string>{"a@a.example", "b@b.example"}),
                   boost::test_tools::per_element());
        BOOST_TEST(link.act(Verb::hold, {}) == 7u);
        BOOST_TEST(link.count().messages == 3u);
        BOOST_TEST(failure_of([&] { link.body(mail::QueueId(5)); }) == EX_UNAVAILABLE);
    }
    queued.join();
    BOOST_REQUIRE_EQUAL(heard.size(), 4u);
    BOOST_TEST((std::get<List>(heard[0]).filter == parse_filter({"domain=b.example"})));
    BOOST_TEST(std::get<List>(heard[0]).with_history);
    BOOST_TEST((std::get<Act>(heard[1]).verb == Verb::hold));
    BOOST_TEST((std::get<Body>(heard[3]).id == mail::QueueId(5)));
}

BOOST_AUTO_TEST_SUITE_END()
