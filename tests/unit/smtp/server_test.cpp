// The server's session over a socket pair, under a clock that stands still, with a policy and a
// queue of the test's own.
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/async/wait.h"
#include "common/mail/base64.h"
#include "common/smtp/server/session.h"

using namespace veredus;
using namespace veredus::smtp;
using namespace std::chrono_literals;
using async::Stop;
using async::Task;

namespace {

// What reached the queue.
struct Queued {
    std::string reverse_path;
    std::vector<std::string> recipients;
    std::string bytes;
};

struct World {
    std::vector<Queued> queue;
    Sink::Verdict refusal;         // with a status: every commit is answered so
    unsigned sinks = 0;            // opened
    async::Event* room = nullptr;  // when there: a sink is full until it is set
    std::string header;            // the last one the policy was shown
};

class TestSink final : public Sink {
  public:
    explicit TestSink(World& world) : world_(world) { ++world_.sinks; }
    void write(std::string_view bytes) override { bytes_ += bytes; }
    bool full() const override { return world_.room != nullptr && !world_.room->is_set(); }
    Task<> make_room(Stop& stop) override { co_await world_.room->wait(stop); }
    Task<Verdict> commit(const Client&, const Transaction& transaction, Stop&) override {
        if (!world_.refusal.status.empty()) co_return world_.refusal;
        Queued message;
        message.reverse_path = transaction.mail.reverse_path.text();
        for (const auto& recipient : transaction.recipients)
            message.recipients.push_back(recipient.forward_path);
        message.bytes = bytes_;
        world_.queue.push_back(std::move(message));
        Verdict verdict;
        verdict.accepted = true;
        co_return verdict;
    }

  private:
    World& world_;
    std::string bytes_;
};

class TestPolicy final : public Policy {
  public:
    TestPolicy(World& world, bool auth) : world_(world), auth_(auth) {}
    net::TlsContext* tls() override { return nullptr; }
    bool offers_auth() const override { return auth_; }
    const Domain& own_domain() const override { return own_; }
    Task<LoginResult> log_in(const Client&, std::string user, std::string password,
                             Stop&) override {
        LoginResult result;
        result.login = password == "secret"   ? Login::ok
                       : password == "outage" ? Login::unavailable
                                              : Login::wrong;
        result.user = user + "@example.org";
        co_return result;
    }
    Task<Refusal> mail(const Client&, const MailArguments&, Stop&) override {
        co_return std::nullopt;
    }
    Task<Refusal> rcpt(const Client&, const Mailbox& recipient, Stop&) override {
        if (recipient.domain() != own_) co_return say(Say::relaying_denied, {recipient.text()});
        if (recipient.local_part() == "nobody")
            co_return say(Say::unknown_user, {recipient.text()});
        co_return std::nullopt;
    }
    Task<std::expected<std::string, Answer>> header(const Client&, const ArrivedHeader& header,
                                                    Stop&) override {
        world_.header = header.bytes;
        co_return std::string();
    }
    std::unique_ptr<Sink> sink() override { return std::make_unique<TestSink>(world_); }

  private:
    World& world_;
    bool auth_;
    Domain own_ = Domain::parse("example.org").value();
};

struct Fixture {
    async::FakeClock clock;
    async::Loop loop{clock};
    Stop stop;
    async::Scope scope{loop, stop};
    std::vector<std::string> logged;
    log::Log log{"smtpd", log::Format::journal,
                 [this](log::Level, std::string_view line) { logged.emplace_back(line); }};
    World world;
    std::uint64_t ids = 1;
    SessionWorld rules{.hostname = "mx.example.org",
                       .message_size_max = 10'000,
                       .recipients_max = 3,
                       .idle = 5min,
                       .log = log,
                       .new_queue_id = [this] { return mail::QueueId(ids++); }};
    std::unique_ptr<TestPolicy> policy;
    std::unique_ptr<net::Stream> stream;
    std::unique_ptr<Session> session;
    int peer = -1;

    ~Fixture() {
        stop.request();
        loop.poll();
        BOOST_TEST(scope.children() == 0u);
        session.reset();
        stream.reset();
        hang_up();
    }
    // Takes the greeting.
    void connect(bool auth = false) {
        std::signal(SIGPIPE, SIG_IGN);
        int pair[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
        peer = pair[1];
        policy = std::make_unique<TestPolicy>(world, auth);
        stream = std::make_unique<net::Stream>(loop, net::Descriptor(pair[0]), stop);
        Client client;
        client.address.ip = "127.0.0.1";
        session = std::make_unique<Session>(*stream, *policy, rules, std::move(client), stop);
        scope.spawn([this]() -> Task<> { co_await session->run(false); });
        loop.poll();
        BOOST_TEST(receive() == "220 mx.example.org ESMTP Veredus\r\n");
    }
    void hang_up() {
        if (peer >= 0) ::close(peer);
        peer = -1;
    }
    std::string receive() {
        loop.poll();
        std::string out;
        char block[65536];
        for (;;) {
            const auto got = ::read(peer, block, sizeof block);
            if (got <= 0) return out;
            out.append(block, static_cast<std::size_t>(got));
        }
    }
    // What comes back for bytes sent at once.
    std::string raw(std::string_view bytes) {
        BOOST_REQUIRE(::write(peer, bytes.data(), bytes.size()) ==
                      static_cast<ssize_t>(bytes.size()));
        return receive();
    }
    std::string say_line(std::string_view line) { return raw(std::string(line) + "\r\n"); }
    void expect(std::string_view line, std::string_view start) {
        const auto got = say_line(line);
        BOOST_TEST(got.starts_with(start), line.substr(0, 80) << " was answered " << got);
    }
    bool over() { return scope.children() == 0; }
    bool was_logged(std::string_view part) const {
        for (const auto& line : logged)
            if (line.contains(part)) return true;
        return false;
    }
    // Up to the 354.
    void to_data(std::string_view recipient = "<bob@example.org>") {
        expect("EHLO client.example", "250-mx.example.org");
        expect("MAIL FROM:<a@b.example>", "250 2.1.0");
        expect("RCPT TO:" + std::string(recipient), "250 2.1.5");
        expect("DATA", "354 ");
    }
};

BOOST_FIXTURE_TEST_SUITE(server, Fixture)

BOOST_AUTO_TEST_CASE(commands_that_came_together_hold_up_nobody_else) {
    connect();
    constexpr std::size_t kCommands = 200;
    std::string commands;
    for (std::size_t i = 0; i < kCommands; ++i)
        commands += "NOOP\r\n";
    const auto answered = [this] {
        int bytes = 0;
        ::ioctl(peer, FIONREAD, &bytes);
        return bytes;
    };
    int at_first = 0;
    scope.spawn([&]() -> Task<> {
        while (at_first == 0) {
            co_await async::give_way(loop);
            at_first = answered();
        }
    });
    const auto answers = raw(commands);
    const auto lines = std::ranges::count(answers, '\n');
    BOOST_TEST(lines == static_cast<std::ptrdiff_t>(kCommands));
    BOOST_TEST(at_first > 0);
    BOOST_TEST(at_first < static_cast<int>(answers.size() / 2));
}

BOOST_AUTO_TEST_CASE(what_a_person_types) {
    connect();
    expect("helo telnet", "250 mx.example.org\r\n");
    expect("mail from: a@b.example", "250 2.1.0");
    expect("rcpt to:<Bob@EXAMPLE.org>", "250 2.1.5");
    expect("data", "354 ");
    BOOST_TEST(say_line("Subject: hi") == "");
    BOOST_TEST(say_line("") == "");
    BOOST_TEST(say_line("..dot") == "");
    expect(".", "250 2.0.0 Ok: queued as " + mail::QueueId(1).text());
    expect("quit", "221 2.0.0");
    BOOST_TEST(over());
    BOOST_REQUIRE(world.queue.size() == 1u);
    const auto& message = world.queue.front();
    BOOST_TEST(message.reverse_path == "a@b.example");
    BOOST_TEST((message.recipients == std::vector<std::string>{"Bob@example.org"}));
    BOOST_TEST(message.bytes.starts_with("Received: from telnet ("));
    BOOST_TEST(message.bytes.ends_with("\r\nSubject: hi\r\n\r\n.dot\r\n"));
}

BOOST_AUTO_TEST_CASE(commands_have_an_order) {
    connect();
    expect("MAIL FROM:<a@b>", "503 5.5.1");
    expect("EHLO x", "250-");
    expect("RCPT TO:<bob@example.org>", "503 5.5.1 RCPT comes after MAIL");
    expect("DATA", "503 5.5.1");
    expect("MAIL FROM:<a@b>", "250");
    expect("MAIL FROM:<a@b>", "503 5.5.1");
    expect("DATA", "503 5.5.1 DATA comes after RCPT");
    expect("RCPT TO:<nobody@example.org>", "550 5.1.1");
    expect("RCPT TO:<x@elsewhere.example>", "554 5.7.1");
    expect("DATA", "554 5.5.1 No valid recipients");
    expect("RSET", "250");
    expect("RCPT TO:<bob@example.org>", "503 5.5.1");
    expect("AUTH PLAIN", "502 5.5.1");
    expect("STARTTLS", "502 5.5.1");
    BOOST_TEST(was_logged("reject: RCPT from"));
}

BOOST_AUTO_TEST_CASE(a_hello_begins_anew) {
    connect();
    expect("EHLO x", "250-");
    expect("MAIL FROM:<a@b>", "250");
    expect("EHLO x", "250-");
    expect("RCPT TO:<bob@example.org>", "503");
}

BOOST_AUTO_TEST_CASE(pipelined_commands_are_answered_in_order) {
    connect();
    say_line("EHLO x");
    const auto group = raw(
        "MAIL FROM:<a@b>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
    BOOST_TEST(group.starts_with("250 2.1.0"));
    BOOST_TEST(group.find("\r\n550 5.1.1") < group.find("\r\n250 2.1.5"));
    BOOST_TEST(group.find("\r\n250 2.1.5") < group.find("\r\n354 "));
    const auto next = raw("a: b\r\n\r\nc\r\n.\r\nMAIL FROM:<c@d>\r\nNOOP\r\nQUIT\r\n");
    BOOST_TEST(next.starts_with("250 2.0.0 Ok: queued"));
    BOOST_TEST(next.contains("\r\n250 2.1.0"));
    BOOST_TEST(next.contains("\r\n221 2.0.0"));
    BOOST_TEST(over());
    BOOST_TEST(world.queue.size() == 1u);
}

BOOST_AUTO_TEST_CASE(who_pipelines_and_never_reads_is_not_served_for_ever) {
    connect();
    std::string noops;
    while (noops.size() < 60'000)
        noops += "NOOP\r\n";
    // 250 2.0.0 Ok is longer than NOOP: what is not read backs up until we stop reading.
    std::size_t taken = 0;
    for (int i = 0; i < 2000; ++i) {
        const auto wrote = ::write(peer, noops.data(), noops.size());
        if (wrote > 0) taken += static_cast<std::size_t>(wrote);
        loop.poll();
    }
    BOOST_TEST(taken < 20'000'000u);
    BOOST_TEST(stream->unflushed() < 1'000'000u);
}

BOOST_AUTO_TEST_CASE(nothing_but_the_end_ends_a_message) {
    for (std::string_view kin : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n"}) {
        Fixture one;
        one.connect();
        one.to_data();
        const auto got = one.raw("Subject: x\r\n\r\nfirst" + std::string(kin) +
                                 "MAIL FROM:<x@y>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n");
        BOOST_TEST(got.starts_with("550 5.5.2 Line "), got);
        BOOST_TEST(got.find("\r\n") == got.size() - 2);
        one.expect("NOOP", "250");
        BOOST_TEST(one.world.queue.empty());
    }
}

BOOST_AUTO_TEST_CASE(a_header_ends_wherever_the_message_is_cut) {
    for (const std::string header : {"a: b\r\nc: d\r\n\r\n", "\r\n", "no header\r\n", ""}) {
        const std::string message = header + (header.ends_with("\n\r\n") ? "x\r\n\r\ny\r\n" : "");
        const std::string sent = message + ".\r\n";
        for (std::size_t cut = 1; cut < sent.size(); ++cut) {
            Fixture one;
            one.connect();
            one.to_data();
            BOOST_TEST(one.raw(sent.substr(0, cut)) == "");
            BOOST_TEST(one.raw(sent.substr(cut)).starts_with("250 2.0.0"));
            BOOST_TEST(one.world.header == header);
            BOOST_TEST(one.world.queue.at(0).bytes.ends_with(message));
        }
    }
}

BOOST_AUTO_TEST_CASE(sizes_are_limited) {
    connect();
    expect("EHLO x", "250-");
    expect("MAIL FROM:<a@b> SIZE=10001", "552 5.3.4");
    to_data();
    std::string big = "a: b\r\n\r\n";
    while (big.size() <= 10'000)
        big += "0123456789\r\n";
    BOOST_TEST(raw(big + ".\r\n").starts_with("552 5.3.4"));
    BOOST_TEST(world.queue.empty());
    to_data();
    BOOST_TEST(raw(std::string("a: b\r\n\r\nc\0\r\n.\r\n", 15)).starts_with("550 5.6.0"));
    expect("MAIL FROM:<a@b>", "250");
    for (int i = 0; i < 3; ++i)
        expect("RCPT TO:<bob@example.org>", "250");
    expect("RCPT TO:<bob@example.org>", "452 4.5.3");
    expect("RSET", "250");
    expect("NOOP " + std::string(3000, 'x'), "500 5.5.2");
    expect("NOOP " + std::string(20'000, 'x'), "500 5.5.2");
    expect("NOOP", "250");
    BOOST_TEST(world.queue.empty());
}

BOOST_AUTO_TEST_CASE(who_sends_for_ever_after_the_limit_is_cut_off) {
    connect();
    to_data();
    const std::string block(50'000, 'x');
    std::string got;
    for (int i = 0; i < 400 && !over(); ++i) {
        if (::write(peer, block.data(), block.size()) < 0) break;
        got += receive();
    }
    BOOST_TEST(over());
    BOOST_TEST(got.starts_with("552 5.3.4"));
}

BOOST_AUTO_TEST_CASE(a_message_that_goes_in_circles_is_refused) {
    connect();
    to_data();
    std::string header;
    for (int i = 0; i <= 100; ++i)
        header += "Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n";
    BOOST_TEST(raw(header + "\r\nbody\r\n.\r\n").starts_with("554 5.4.6"));
    BOOST_TEST(world.sinks == 0u);
}

BOOST_AUTO_TEST_CASE(what_the_queue_says_is_passed_on) {
    connect();
    world.refusal.status = "4.3.0";
    to_data();
    BOOST_TEST(raw("a: b\r\n\r\n.\r\n").starts_with("451 4.3.0"));
    world.refusal.status = "4.3.1";
    to_data();
    BOOST_TEST(raw("a: b\r\n\r\n.\r\n").starts_with("452 4.3.1"));
}

BOOST_AUTO_TEST_CASE(what_comes_while_room_is_made_is_taken) {
    async::Event room(loop);
    world.room = &room;
    connect();
    to_data();
    BOOST_TEST(raw("Subject: hi\r\n\r\nfirst\r\n") == "");
    BOOST_TEST(raw("last\r\n.\r\n") == "");
    room.set();
    BOOST_TEST(receive().starts_with("250 2.0.0"));
    BOOST_REQUIRE(world.queue.size() == 1u);
    BOOST_TEST(world.queue.front().bytes.ends_with("\r\nfirst\r\nlast\r\n"));
}

BOOST_AUTO_TEST_CASE(silence_ends_a_session) {
    connect();
    expect("EHLO x", "250-");
    clock.advance(loop, 4min);
    BOOST_TEST(!over());
    expect("NOOP", "250");
    clock.advance(loop, 4min);
    BOOST_TEST(!over());
    clock.advance(loop, 1min);
    BOOST_TEST(over());
    BOOST_TEST(receive().starts_with("421 4.4.2"));
    BOOST_TEST(was_logged("timeout after NOOP from"));
}

BOOST_AUTO_TEST_CASE(silence_within_a_message_does_too) {
    connect();
    to_data();
    BOOST_TEST(raw("Subject: half\r\n") == "");
    clock.advance(loop, 5min);
    BOOST_TEST(over());
    BOOST_TEST(receive().starts_with("421 4.4.2"));
    BOOST_TEST(world.queue.empty());
}

BOOST_AUTO_TEST_CASE(a_message_cut_off_is_none) {
    connect();
    to_data();
    raw("Subject: half\r\n\r\nbody\r\n.\r");
    hang_up();
    loop.poll();
    BOOST_TEST(over());
    BOOST_TEST(world.queue.empty());
    BOOST_TEST(was_logged("lost connection after DATA from"));
}

BOOST_AUTO_TEST_CASE(who_half_closes_is_answered) {
    connect();
    BOOST_REQUIRE(::write(peer, "HELO x\r\n", 8) == 8);
    ::shutdown(peer, SHUT_WR);
    BOOST_TEST(receive() == "250 mx.example.org\r\n");
    BOOST_TEST(over());
}

BOOST_AUTO_TEST_CASE(stopping_says_so) {
    connect();
    stop.request();
    loop.poll();
    BOOST_TEST(over());
    BOOST_TEST(receive().starts_with("421 4.3.2"));
}

BOOST_AUTO_TEST_CASE(too_many_errors_end_a_session) {
    connect();
    std::string last;
    for (unsigned i = 0; i < Session::kErrorsMax; ++i) {
        BOOST_TEST(!over());
        last = say_line("FROBNICATE");
    }
    BOOST_TEST(last.starts_with("500 5.5.2"));
    BOOST_TEST(last.contains("\r\n421 4.7.0"));
    BOOST_TEST(over());
}

BOOST_AUTO_TEST_CASE(browsers_are_shown_the_door) {
    connect();
    expect("GET / HTTP/1.1", "500 5.5.2");
    BOOST_TEST(over());
}

BOOST_AUTO_TEST_CASE(users_log_in) {
    connect(true);
    BOOST_TEST(say_line("EHLO x").contains("AUTH PLAIN LOGIN\r\n"));
    expect("MAIL FROM:<a@b>", "530 5.7.0");
    const auto credentials = [](std::string_view password) {
        return mail::base64_encode(std::string("\0tim\0", 5) + std::string(password));
    };
    expect("AUTH PLAIN " + credentials("wrong"), "535 5.7.8");
    BOOST_TEST(was_logged("SASL PLAIN authentication failed: "));
    expect("AUTH PLAIN " + credentials("outage"), "454 4.7.0");
    expect("AUTH CRAM-MD5", "504 5.5.4");
    expect("AUTH PLAIN !", "501 5.5.2");
    expect("AUTH PLAIN", "334 \r\n");
    expect("*", "501 5.7.0");
    expect("MAIL FROM:<a@b>", "530 5.7.0");
    expect("AUTH PLAIN", "334 \r\n");
    BOOST_TEST(raw(credentials("secret") + "\n" + credentials("secret") + "\r\n")
                   .starts_with("501 5.5.2"));  // a bare LF
    expect("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n");
    expect(mail::base64_encode("tim"), "334 UGFzc3dvcmQ6\r\n");
    expect(mail::base64_encode("secret"), "235 2.7.0");
    expect("AUTH PLAIN", "503 5.5.1");
    expect("MAIL FROM:<a@b>", "250");
    expect("AUTH PLAIN", "503 5.5.1");
}

BOOST_AUTO_TEST_CASE(a_line_too_long_within_auth) {
    connect(true);
    say_line("EHLO x");
    expect("AUTH PLAIN", "334 ");
    expect(std::string(kAuthLineMax + 10, 'A'), "500 5.5.6");
    expect("AUTH PLAIN " + std::string(kAuthLineMax + 10, 'A'), "500 5.5.6");
    expect("NOOP", "250");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
