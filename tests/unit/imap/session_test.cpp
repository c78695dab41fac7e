#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "daemons/mailboxd/imap/session.h"
#include "spool/disk/fault_disk.h"

using namespace veredus;
using namespace std::chrono_literals;

namespace {

// A user's process with its mail on a disk that fails when told to, under a clock that stands
// still.
struct Process {
    async::FakeClock clock;
    async::Loop loop{clock};
    async::Stop stop;
    async::Scope scope{loop, stop};
    std::string log_lines;
    log::Log log{"mailboxd", log::Format::journal,
                 [this](log::Level, std::string_view line) { log_lines += line; }};
    config::Config config;
    spool::FaultDisk disk;
    spool::MailboxStore store{disk.root().open_directory("alice"),
                              [this] { return clock.wall_us(); }};

    Process() { std::signal(SIGPIPE, SIG_IGN); }
    ~Process() {
        stop.request();
        loop.poll();
        BOOST_TEST(scope.children() == 0U);
    }
};

// One client of it, logged in.
struct Client {
    Process& process;
    int socket = -1;

    explicit Client(Process& in) : process(in) {
        int pair[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
        socket = pair[1];
        process.scope.spawn(
            [](Process& self, int end) -> async::Task<> {
                mailboxd::SessionContext context{.loop = self.loop,
                                                 .stop = self.stop,
                                                 .store = self.store,
                                                 .config = self.config,
                                                 .log = self.log,
                                                 .user = "alice@example.org",
                                                 .client = std::make_unique<net::Stream>(
                                                     self.loop, net::Descriptor(end), self.stop),
                                                 .peer = "127.0.0.1",
                                                 .secured = false,
                                                 .tag = "a0"};
                co_await mailboxd::imap::serve(context);
            },
            std::ref(process), pair[0]);
        BOOST_TEST(hear().starts_with("a0 OK [CAPABILITY IMAP4rev1"));
    }
    ~Client() { ::close(socket); }

    // What the server has said; "(closed)" at the end of the connection.
    std::string hear() {
        process.loop.poll();
        std::string heard;
        char block[65536];
        for (;;) {
            const auto got = ::read(socket, block, sizeof block);
            if (got == 0) heard += "(closed)";
            if (got <= 0) return heard;
            heard.append(block, static_cast<std::size_t>(got));
            process.loop.poll();
        }
    }
    std::string say(std::string_view bytes) {
        BOOST_REQUIRE(::write(socket, bytes.data(), bytes.size()) ==
                      static_cast<ssize_t>(bytes.size()));
        return hear();
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(session)

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_and_gets_over) {
    Process process;
    Client client(process);
    process.disk.set_plan({.cut_at = {},
                           .fail_at = process.disk.operations() + 1,
                           .fail_code = ENOSPC,
                           .unreadable_suffix = {}});
    BOOST_TEST(client.say("a1 APPEND INBOX {5+}\r\nhello\r\n").starts_with("a1 NO [UNAVAILABLE]"));
    BOOST_TEST(process.log_lines.find("APPEND") != std::string::npos);
    BOOST_TEST(client.say("a2 STATUS INBOX (MESSAGES)\r\n") ==
               "* STATUS INBOX (MESSAGES 0)\r\na2 OK STATUS completed\r\n");
    BOOST_TEST(client.say("a3 APPEND INBOX {5+}\r\nhello\r\n").starts_with("a3 OK [APPENDUID "));
}

BOOST_AUTO_TEST_CASE(a_damaged_message_is_never_sent) {
    Process process;
    Client client(process);
    client.say("a1 APPEND INBOX {5+}\r\nhello\r\na2 SELECT INBOX\r\n");
    process.disk.set_plan(
        {.cut_at = {}, .fail_at = {}, .fail_code = EIO, .unreadable_suffix = ".segment"});
    const auto answer = client.say("a3 FETCH 1 BODY.PEEK[]\r\n");
    BOOST_TEST(answer.find("hello") == std::string::npos);
    BOOST_TEST(answer.find("a3 NO [") != std::string::npos);
    BOOST_TEST(client.say("a4 NOOP\r\n") == "a4 OK NOOP completed\r\n");
}

BOOST_AUTO_TEST_CASE(a_silent_client_is_logged_out_after_half_an_hour) {
    Process process;
    Client client(process);
    process.clock.advance(process.loop, 29min);
    BOOST_TEST(client.hear() == "");
    process.clock.advance(process.loop, 2min);
    BOOST_TEST(client.hear() == "* BYE Autologout; idle for too long\r\n(closed)");
}

BOOST_AUTO_TEST_CASE(a_client_that_stops_within_a_literal_has_less_time) {
    Process process;
    Client client(process);
    BOOST_TEST(client.say("a1 APPEND INBOX {100}\r\n") == "+ Ready for literal data\r\n");
    client.say("half");
    process.clock.advance(process.loop, 6min);
    BOOST_TEST(client.hear() == "(closed)");
    BOOST_TEST(process.store.status(process.store.find("INBOX")->id).messages == 0U);
}

BOOST_AUTO_TEST_CASE(going_down_is_said) {
    Process process;
    Client client(process);
    Client idle(process);
    BOOST_TEST(idle.say("a1 IDLE\r\n") == "+ idling\r\n");
    process.stop.request();
    BOOST_TEST(client.hear() == "* BYE [UNAVAILABLE] The server is going down\r\n(closed)");
    BOOST_TEST(idle.hear() == "* BYE [UNAVAILABLE] The server is going down\r\n(closed)");
}

// Sessions are told of each other's changes, EXPUNGE only where it is allowed.
BOOST_AUTO_TEST_CASE(numbers_stay_until_an_expunge_may_be_told) {
    Process process;
    Client one(process);
    Client two(process);
    one.say("x APPEND INBOX {1+}\r\na\r\nx APPEND INBOX {1+}\r\nb\r\nx APPEND INBOX {1+}\r\nc\r\n");
    one.say("x SELECT INBOX\r\n");
    two.say("x SELECT INBOX\r\n");
    one.say("x STORE 1 +FLAGS (\\Deleted)\r\nx EXPUNGE\r\n");
    two.say("x APPEND INBOX {1+}\r\nd\r\n");  // tells of the expunge as well
    BOOST_TEST(two.say("y UID SEARCH ALL\r\n") ==
               "* SEARCH 2 3 4\r\ny OK UID SEARCH completed\r\n");
    one.say("x STORE 1 +FLAGS (\\Deleted)\r\nx EXPUNGE\r\n");
    BOOST_TEST(two.say("y FETCH 2:3 UID\r\n") ==
               "* 2 FETCH (UID 3)\r\n* 3 FETCH (UID 4)\r\ny OK FETCH completed\r\n");
    BOOST_TEST(two.say("y NOOP\r\n") == "* 1 EXPUNGE\r\ny OK NOOP completed\r\n");
    BOOST_TEST(two.say("y FETCH 1:2 UID\r\n") ==
               "* 1 FETCH (UID 3)\r\n* 2 FETCH (UID 4)\r\ny OK FETCH completed\r\n");
}

BOOST_AUTO_TEST_CASE(a_long_answer_waits_for_a_slow_client) {
    Process process;
    Client client(process);
    const std::string message = "Subject: long\r\n\r\n" + std::string(3'000'000, 'x');
    client.say("a1 SELECT INBOX\r\n");
    for (std::size_t at = 0; at < message.size(); at += 100'000) {
        if (at == 0) client.say("a2 APPEND INBOX {" + std::to_string(message.size()) + "}\r\n");
        client.say(message.substr(at, 100'000));
    }
    BOOST_TEST(client.say("\r\n").find("a2 OK [APPENDUID") != std::string::npos);
    const auto answer = client.say("a3 FETCH 1 BODY.PEEK[]\r\n");
    BOOST_TEST(answer.size() > message.size());
    BOOST_TEST((answer.find(message) != std::string::npos));
    BOOST_TEST(answer.ends_with(")\r\na3 OK FETCH completed\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
