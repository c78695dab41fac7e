#define BOOST_TEST_MODULE log
#include "common/log/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include "common/log/delivery.h"

using namespace veredus::log;
using namespace std::chrono_literals;

namespace {

// A log whose lines are kept, at 10:00:00 UTC on the 3rd of November 2026.
struct Fixture {
    Fixture() { setenv("TZ", "UTC", 1); }

    Log make(Format format) {
        return Log(
            "smtpd", format, [this](Level, std::string_view line) { lines.emplace_back(line); },
            [] { return std::timespec{.tv_sec = 1793700000, .tv_nsec = 0}; });
    }

    std::vector<std::string> lines;
};

std::string after_host(const std::string& line) {
    const std::string tag = fmt::format(" veredus/smtpd[{}]: ", getpid());
    const auto at = line.find(tag);
    BOOST_REQUIRE(at != std::string::npos);
    return line.substr(at + tag.size());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(lines_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_syslog_line_has_time_host_and_program) {
    Log log = make(Format::syslog);
    log.message("0DTJ5XKQ3V0Z8", "client={}[{}]", "mx.a.example", "192.0.2.1");
    BOOST_REQUIRE_EQUAL(lines.size(), 1u);
    BOOST_TEST(lines[0].starts_with("Nov  3 10:00:00 "));
    BOOST_TEST(after_host(lines[0]) == "0DTJ5XKQ3V0Z8: client=mx.a.example[192.0.2.1]");
    const auto host_end = lines[0].find(' ', 16);
    BOOST_TEST(lines[0].substr(16, host_end - 16).find('.') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_journal_line_has_its_priority_only) {
    Log log = make(Format::journal);
    log.info("connect from {}", "x");
    log.warning("slow");
    log.error("gone");
    const std::vector<std::string> expected{"<6>connect from x", "<4>warning: slow",
                                            "<3>error: gone"};
    BOOST_TEST(lines == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(debug_lines_are_written_on_request_only) {
    Log log = make(Format::journal);
    log.debug("one");
    BOOST_TEST(lines.empty());
    log.set_minimum(Level::debug);
    log.debug("two");
    BOOST_REQUIRE_EQUAL(lines.size(), 1u);
    BOOST_TEST(lines[0] == "<7>debug: two");
}

BOOST_AUTO_TEST_CASE(no_peer_can_forge_a_line_or_move_the_cursor) {
    Log log = make(Format::journal);
    log.info("helo={}", "a\r\nNov 3 host veredus/smtpd[1]: forged\x1b[2J\x7f");
    log.info("{}", std::string_view("nul\0end", 7));
    log.info("{}",
             "C1 \xc2\x9b[2J, bad \xff\xfe, cut \xe2\x82, overlong \xc0\xaf, good \xe2\x82\xac");
    const std::vector<std::string> expected{
        "<6>helo=a??Nov 3 host veredus/smtpd[1]: forged?[2J?", "<6>nul?end",
        "<6>C1 ?[2J, bad ??, cut ??, overlong ??, good \xe2\x82\xac"};
    BOOST_TEST(lines == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_queue_id_is_made_harmless_too) {
    Log log = make(Format::journal);
    log.message("A\nB", "x");
    BOOST_TEST(lines.at(0) == "<6>A?B: x");
}

BOOST_AUTO_TEST_CASE(a_long_line_is_cut_between_characters) {
    Log log = make(Format::journal);
    std::string text;
    while (text.size() < 3000)
        text += "\xe2\x82\xac";
    log.info("{}", text);
    BOOST_TEST(lines.at(0).size() <= Log::kLineMax);
    BOOST_TEST(lines.at(0).size() > Log::kLineMax - 8);
    BOOST_TEST(lines.at(0).ends_with("\xe2\x82\xac..."));
}

BOOST_AUTO_TEST_CASE(a_rejection_names_client_reply_and_envelope) {
    Log log = make(Format::journal);
    log_rejection(log, {.command = "RCPT",
                        .client = "unknown[192.0.2.7]",
                        .reply = "550 5.1.1 <x@b.example>: no such user",
                        .from = "a@c.example",
                        .to = "x@b.example",
                        .protocol = "ESMTP",
                        .helo = "h.example"});
    BOOST_TEST(lines.at(0) ==
               "<6>NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 5.1.1 <x@b.example>: no such "
               "user; from=<a@c.example> to=<x@b.example> proto=ESMTP helo=<h.example>");
}

BOOST_AUTO_TEST_CASE(a_line_of_json_has_what_a_line_of_text_has) {
    std::string line;
    Log json(
        "smtpd", Format::syslog, [&](Level, std::string_view said) { line = said; },
        [] { return std::timespec{1795000000, 123456789}; });
    json.set_shape(Shape::json);
    json.warning("x[192.0.2.1]: \"a\"\nb");
    BOOST_TEST(line == R"({"time":"2026-11-18T11:06:40.123456Z","level":"warning",)"
                       R"("program":"veredus/smtpd","pid":)" +
                           std::to_string(getpid()) + R"(,"message":"x[192.0.2.1]: \"a\"?b"})");
    json.message("6C3R1", "{}",
                 "to=<a@b.example>, relay=h[192.0.2.2]:25, dsn=2.0.0, status=sent (ok (x))");
    BOOST_TEST(line.ends_with(R"x("fields":{"to":"a@b.example","relay":"h[192.0.2.2]:25",)x"
                              R"x("dsn":"2.0.0","status":"sent","text":"ok (x)"}})x"),
               line);
    BOOST_TEST(line.find(R"("queue_id":"6C3R1","message":"to=<a@b)") != std::string::npos);
    json.message("6C3R1", "{}", R"x(to=<"a>, b"@b.example>, status=sent (ok))x");
    BOOST_TEST(line.find(R"("fields":)") != std::string::npos);
    for (const char* text : {"no fields", "to=<never ends", "=", "a=b c", ""}) {
        json.info("{}", text);
        BOOST_TEST(line.ends_with("}"), text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(a_delivery_has_postfix_s_shape) {
    Delivery delivery{.queue_id = "X",
                      .to = "ann@a.example",
                      .relay = "mx.a.example[192.0.2.1]:25",
                      .delay = 1234ms,
                      .delays = {40ms, 0ms, 1004ms, 190ms},
                      .dsn = "2.0.0",
                      .text = "250 2.0.0 Ok"};
    BOOST_TEST(delivery_text(delivery) ==
               "to=<ann@a.example>, relay=mx.a.example[192.0.2.1]:25, delay=1.2, "
               "delays=0.04/0/1/0.19, dsn=2.0.0, status=sent (250 2.0.0 Ok)");
    delivery.orig_to = "postmaster@a.example";
    delivery.delay = 130'400ms;
    delivery.status = Status::deferred;
    BOOST_TEST(delivery_text(delivery) ==
               "to=<ann@a.example>, orig_to=<postmaster@a.example>, "
               "relay=mx.a.example[192.0.2.1]:25, delay=130, delays=0.04/0/1/0.19, dsn=2.0.0, "
               "status=deferred (250 2.0.0 Ok)");
    delivery.delay = -5ms;  // the wall clock was set back
    delivery.status = Status::bounced;
    BOOST_TEST(delivery_text(delivery).find("delay=0, ") != std::string::npos);
    BOOST_TEST(delivery_text(delivery).find("status=bounced") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(gathered_lines_go_out_in_order_errors_at_once) {
    int pipe[2];
    BOOST_REQUIRE_EQUAL(::pipe2(pipe, O_NONBLOCK), 0);
    const int kept = ::dup(STDERR_FILENO);
    ::dup2(pipe[1], STDERR_FILENO);
    const auto read_some = [&] {
        std::string out(100'000, '\0');
        const auto count = ::read(pipe[0], out.data(), out.size());
        return out.substr(0, count > 0 ? static_cast<std::size_t>(count) : 0);
    };
    int asked = 0;
    std::vector<std::string> got;
    {
        GatheredLines lines([&] { ++asked; });
        lines.add(Level::info, "one");
        lines.add(Level::warning, "two");
        got.push_back(read_some());
        lines.flush();
        got.push_back(read_some());
        lines.add(Level::info, "three");
        lines.add(Level::error, "four");
        got.push_back(read_some());
        lines.add(Level::info, std::string(PIPE_BUF - 3, 'x'));
        lines.add(Level::info, "five");  // would not fit
        got.push_back(read_some());
    }
    got.push_back(read_some());
    ::dup2(kept, STDERR_FILENO);
    for (const int fd : {kept, pipe[0], pipe[1]})
        ::close(fd);
    BOOST_TEST(asked == 4);
    BOOST_TEST(got[0].empty());
    BOOST_TEST(got[1] == "one\ntwo\n");
    BOOST_TEST(got[2] == "three\nfour\n");
    BOOST_TEST(got[3] == std::string(PIPE_BUF - 3, 'x') + "\n");
    BOOST_TEST(got[4] == "five\n");
}

BOOST_AUTO_TEST_CASE(standard_error_is_the_journal_only_if_the_environment_names_it) {
    unsetenv("JOURNAL_STREAM");
    BOOST_TEST((format_of_stderr() == Format::syslog));
    setenv("JOURNAL_STREAM", "1:1", 1);  // inherited from a parent whose stream it was
    BOOST_TEST((format_of_stderr() == Format::syslog));
    struct stat status{};
    BOOST_REQUIRE_EQUAL(fstat(STDERR_FILENO, &status), 0);
    setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
    BOOST_TEST((format_of_stderr() == Format::journal));
    unsetenv("JOURNAL_STREAM");
}
