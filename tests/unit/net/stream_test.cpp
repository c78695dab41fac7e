#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>
#include <vector>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/net/listener.h"
#include "common/net/stream.h"

using namespace veredus;
using namespace veredus::net;
using namespace std::chrono_literals;
using async::Scope;

namespace {

struct Fixture {
    async::FakeClock clock;
    Loop loop{clock};
    Stop stop;
    Scope scope{loop, stop};
    int peer = -1;
    std::unique_ptr<Stream> stream;

    Fixture() {
        std::signal(SIGPIPE, SIG_IGN);  // as every daemon does
        int pair[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
        peer = pair[1];
        stream = std::make_unique<Stream>(loop, Descriptor(pair[0]), stop);
    }
    ~Fixture() {
        stop.request();
        loop.poll();
        BOOST_TEST(scope.children() == 0U);
        stream.reset();
        hang_up();
    }
    void hang_up() {
        if (peer >= 0) ::close(peer);
        peer = -1;
    }
    void send(std::string_view bytes) {
        BOOST_REQUIRE(::write(peer, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
        loop.poll();
    }
    std::string receive() {
        char block[65536];
        const auto got = ::read(peer, block, sizeof block);
        return got > 0 ? std::string(block, std::size_t(got)) : std::string();
    }
    template <class F>
    void start(F f) {
        scope.spawn(std::move(f));
        loop.poll();
    }
};

using Lines = std::vector<std::string>;
constexpr const char* kFaults[] = {"", "LF:", "CR:", "LONG:"};

Task<> read_lines(Stream& stream, Lines& lines, std::size_t limit) {
    for (;;) {
        const auto line = co_await stream.read_line(limit);
        if (!line) break;
        lines.push_back(kFaults[int(line->fault)] + std::string(line->text));
    }
    lines.push_back("end");
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(lines, Fixture)

BOOST_AUTO_TEST_CASE(a_line_ends_with_crlf_and_with_nothing_else) {
    Lines got;
    start([&]() -> Task<> { co_await read_lines(*stream, got, 100); });
    send("one\r\ntwo\nth\rree\r\n\r\nunfinished");
    hang_up();
    loop.poll();
    BOOST_TEST(got == (Lines{"one", "LF:two", "CR:th\rree", "", "end"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_same_lines_at_every_cut) {
    const std::string input = "a\r\n0123456789ABC\r\nb\n\rc\r\nd\r\n";
    const Lines expected{"a", "LONG:01234567", "LF:b", "CR:\rc", "d"};
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        Lines got;
        Fixture f;
        f.start([&]() -> Task<> { co_await read_lines(*f.stream, got, 8); });
        f.send(input.substr(0, cut));
        f.send(input.substr(cut));
        BOOST_TEST(got == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(an_endless_line_takes_no_memory_and_the_next_is_read) {
    Lines got;
    start([&]() -> Task<> { co_await read_lines(*stream, got, 10); });
    for (int i = 0; i < 300; ++i)
        send(std::string(1000, 'x'));
    send("\r\nnext\r\n");
    BOOST_TEST(got == (Lines{"LONG:xxxxxxxxxx", "next"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_arrives_while_nobody_reads_keeps_a_held_line_whole) {
    std::string held;
    std::string after;
    bool next_there = false;
    start([&]() -> Task<> {
        const auto line = co_await stream->read_line(100);
        co_await async::sleep_for(loop, 1s, stop);
        held = line->text;
        next_there = stream->has_line();
        const auto second = co_await stream->read_line(100000);
        after = second->text;
    });
    send("first\r\n");
    send(std::string(50000, 'y') + "\r\n");
    clock.advance(loop, 1s);
    BOOST_TEST(held == "first");
    BOOST_TEST(next_there);
    BOOST_TEST(after.size() == 50000U);
}

BOOST_AUTO_TEST_CASE(bytes_are_taken_as_they_come) {
    std::string got;
    bool ended = false;
    start([&]() -> Task<> {
        for (;;) {
            const bool more = co_await stream->more();
            if (!more) break;
            const auto bytes = stream->buffered();
            got += bytes.substr(0, 3);
            stream->consume(std::min<std::size_t>(3, bytes.size()));
        }
        got += stream->buffered();
        ended = true;
    });
    send("abcde");
    send("f");
    hang_up();
    loop.poll();
    BOOST_TEST(got == "abcdef");
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(endings, Fixture)

BOOST_AUTO_TEST_CASE(a_silent_peer_runs_out_of_time_and_is_told) {
    bool late = false;
    start([&]() -> Task<> {
        stream->deadline(5min);
        try {
            co_await stream->read_line(100);
        } catch (const async::TimedOut&) {
            late = true;
        }
        stream->deadline(10s);
        co_await stream->write("421 too slow\r\n");
    });
    clock.advance(loop, 5min - 1ms);
    BOOST_TEST(!late);
    clock.advance(loop, 1ms);
    BOOST_TEST(late);
    BOOST_TEST(receive() == "421 too slow\r\n");
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_read_runs_out_of_time) {
    bool late = false;
    start([&]() -> Task<> {
        stream->deadline(1min);
        try {
            co_await stream->write(std::string(8 << 20, 'z'));
        } catch (const async::TimedOut&) {
            late = true;
        }
    });
    BOOST_TEST(!late);
    clock.advance(loop, 1min);
    BOOST_TEST(late);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_reader_and_writer) {
    int stopped = 0;
    const auto count = [&](auto operation) -> Task<> {
        try {
            co_await operation();
        } catch (const async::Stopped&) {
            ++stopped;
        }
    };
    const auto reading = [&]() -> Task<> { co_await stream->read_line(10); };
    const auto writing = [&]() -> Task<> { co_await stream->write(std::string(8 << 20, 'z')); };
    start([&]() -> Task<> { co_await count(reading); });
    start([&]() -> Task<> { co_await count(writing); });
    stop.request();
    loop.poll();
    BOOST_TEST(stopped == 2);
}

BOOST_AUTO_TEST_CASE(a_large_write_arrives_whole) {
    std::string sent(3 << 20, 'a');
    for (std::size_t i = 0; i < sent.size(); ++i)
        sent[i] = char('a' + i % 23);
    bool done = false;
    start([&]() -> Task<> {
        co_await stream->write(sent);
        done = true;
    });
    std::string got;
    while (got.size() < sent.size()) {
        got += receive();
        loop.poll();
    }
    BOOST_TEST((got == sent));
    BOOST_TEST(done);
}

BOOST_AUTO_TEST_CASE(a_socket_is_handed_over_with_what_was_read) {
    Stream::Released released;
    start([&]() -> Task<> {
        co_await stream->read_line(100);
        released = stream->release();
    });
    send("LOGIN\r\nNOOP\r\nlis");
    BOOST_TEST(released.buffered == "NOOP\r\nlis");
    BOOST_TEST(::write(released.socket.get(), "ok", 2) == 2);
    BOOST_TEST(receive() == "ok");
}

BOOST_AUTO_TEST_CASE(a_broken_connection_is_an_error_of_one_type) {
    std::string what;
    start([&]() -> Task<> {
        try {
            for (;;) {
                co_await stream->write("x");
                co_await async::sleep_for(loop, 1s, stop);
            }
        } catch (const IoError& error) {
            what = error.what();
        }
    });
    hang_up();
    clock.advance(loop, 10s);
    BOOST_TEST(what == "broken pipe");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(addresses_are_canonical) {
    const auto six = Address::parse("2001:DB8:0:0:0:0:0:1", 25);
    BOOST_REQUIRE(six);
    BOOST_TEST(six->text() == "[2001:db8::1]:25");
    BOOST_TEST(six->literal() == "[IPv6:2001:db8::1]");
    const auto mapped = Address::parse("::ffff:192.0.2.7", 9);
    BOOST_REQUIRE(mapped);
    sockaddr_storage storage{};
    const auto length = mapped->to_sockaddr(storage);
    const auto v4 = Address::from(reinterpret_cast<sockaddr*>(&storage), length);
    BOOST_TEST(v4.ip == "192.0.2.7");
    BOOST_TEST(!v4.v6);
    BOOST_TEST(!Address::parse("localhost", 1));
    BOOST_TEST(Address::parse("127.8.9.1", 1)->loopback());
    BOOST_TEST(!v4.loopback());
    BOOST_TEST(Address::parse("::ffff:127.0.0.1", 1)->loopback());
    BOOST_TEST(Address::parse("0.0.0.0", 1)->unspecified());
    BOOST_TEST(Address::parse("0:0::0", 1)->unspecified());
    BOOST_TEST(!v4.unspecified());
}
