#include "daemons/locald/command.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/unit/daemons/locald/written_letter.h"

using namespace veredus::locald;
using namespace std::chrono_literals;

namespace {

const Account kAnn{.name = "ann", .uid = 1000, .gid = 1000, .home = "/tmp", .shell = "/bin/bash"};

Verdict run(const std::string& command, std::string_view message = "\r\nhello\r\n",
            std::chrono::milliseconds timeout = 20s) {
    return run_command(command, kAnn, WrittenLetter(message), timeout);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(it_gets_the_message_and_knows_for_whom) {
    const auto verdict =
        run("test \"$(pwd) $USER $HOME $SHELL $SENDER $RECIPIENT $LOCAL $DOMAIN\" = "
            "'/tmp ann /tmp /bin/bash bob@b.example ann@a.example ann a.example' && "
            "test \"$(cat | tail -n 1)\" = hello");
    BOOST_TEST(verdict.status == "2.0.0", verdict.text);
}

BOOST_AUTO_TEST_CASE(its_status_says_what_becomes_of_the_mail) {
    BOOST_TEST(run("exit 75").status == "4.3.0");
    BOOST_TEST(run("exit 111").status == "4.3.0");
    BOOST_TEST(run("exit 100").status == "5.3.0");
    BOOST_TEST(run("exit 67").status == "5.1.1");
    BOOST_TEST(run("exit 77").status == "5.7.0");
    BOOST_TEST(run("exit 70").status == "5.3.0");
    BOOST_TEST(run("exit 1").status == "4.3.0");
    BOOST_TEST(run("kill -9 $$").status == "4.3.0");
    const auto missing = run("/nowhere/program");
    BOOST_TEST(missing.status == "4.3.0");
    BOOST_TEST(missing.text.starts_with("the program \"/nowhere/program\" ended with status 127: "
                                        "sh: 1: /nowhere/program: not found"),
               missing.text);
}

BOOST_AUTO_TEST_CASE(what_it_prints_is_told_in_one_line) {
    BOOST_TEST(run("printf 'no\\n\\tsuch   thing\\r\\n' >&2; exit 69")
                   .text.ends_with("status 69: no such thing"));
    BOOST_TEST(run("yes | head -c 1000000; exit 69").text.size() < 1200);
}

BOOST_AUTO_TEST_CASE(one_that_does_not_read_is_judged_by_its_status) {
    const std::string large = "\r\n" + std::string(1'000'000, 'x');
    BOOST_TEST(run("exit 0", large).status == "2.0.0");
    BOOST_TEST(run("head -c 10 >/dev/null; exit 100", large).status == "5.3.0");
    BOOST_TEST(run("test $(wc -c) -gt 1000000", large).status == "2.0.0");
}

BOOST_AUTO_TEST_CASE(what_it_leaves_in_the_background_is_not_waited_for) {
    BOOST_TEST(run("sleep 100 & exit 0").status == "2.0.0");
    BOOST_TEST(run("exec >/dev/null 2>&1; cat >/dev/null; exit 100").status == "5.3.0");
}

BOOST_AUTO_TEST_CASE(one_that_does_not_end_is_ended) {
    const auto verdict = run("sleep 100; exit 0", "\r\n", 200ms);
    BOOST_TEST(verdict.status == "4.3.0");
    BOOST_TEST(verdict.text.find("did not end within") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
