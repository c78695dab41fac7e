#include "common/pop3/command.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace pop3 = veredus::pop3;
namespace data = boost::unit_test::data;
using pop3::State;
using pop3::Verb;

namespace {

std::string error_of(std::string_view line, State state) {
    const auto command = pop3::parse_command(line, state);
    BOOST_REQUIRE_MESSAGE(!command, line << " was taken for a command");
    return command.error();
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(keywords_in_any_case) {
    for (const auto* line : {"STAT", "stat", "StAt", "  stat  "}) {
        const auto command = pop3::parse_command(line, State::transaction);
        BOOST_REQUIRE(command);
        BOOST_TEST((command->verb == Verb::stat));
    }
}

BOOST_AUTO_TEST_CASE(numbers) {
    const auto retr = pop3::parse_command("RETR 12", State::transaction);
    BOOST_REQUIRE(retr);
    BOOST_TEST(*retr->message == 12u);
    const auto top = pop3::parse_command("top 3 0", State::transaction);
    BOOST_REQUIRE(top);
    BOOST_TEST(*top->message == 3u);
    BOOST_TEST(top->lines == 0u);
    BOOST_TEST(!pop3::parse_command("LIST", State::transaction)->message.has_value());
    BOOST_TEST(*pop3::parse_command("LIST 4294967295", State::transaction)->message == 4294967295u);
}

BOOST_DATA_TEST_CASE(arguments_that_do_not_fit,
                     data::make({"RETR", "RETR 0", "RETR -1", "RETR +1", "RETR x", "RETR 1 2",
                                 "RETR 1x", "RETR 4294967296", "DELE 18446744073709551617", "TOP 1",
                                 "TOP 1 x", "TOP 1 2 3", "STAT 1", "NOOP x", "QUIT now"}),
                     line) {
    BOOST_TEST(contains(error_of(line, State::transaction), "is said like this"));
}

BOOST_AUTO_TEST_CASE(a_password_keeps_its_spaces) {
    BOOST_TEST(pop3::parse_command("PASS two words", State::authorization)->text == "two words");
    BOOST_TEST(pop3::parse_command("PASS  a  b ", State::authorization)->text == " a  b ");
    BOOST_TEST(pop3::parse_command("pass p", State::authorization)->text == "p");
    BOOST_TEST(!pop3::parse_command("PASS", State::authorization));
    BOOST_TEST(!pop3::parse_command("PASS ", State::authorization));
}

BOOST_AUTO_TEST_CASE(every_command_in_its_state_alone) {
    for (const auto& row : pop3::commands()) {
        const std::string example(row.example.substr(0, row.example.find(" or ")));
        for (const State state : {State::authorization, State::transaction}) {
            const bool allowed = (row.states & static_cast<std::uint8_t>(state)) != 0;
            BOOST_TEST(pop3::parse_command(example, state).has_value() == allowed, example);
        }
    }
    BOOST_TEST(contains(error_of("RETR 1", State::authorization), "USER name, then PASS"));
    BOOST_TEST(contains(error_of("USER x", State::transaction), "logged in already"));
}

BOOST_AUTO_TEST_CASE(nul_is_refused) {
    BOOST_TEST(contains(error_of(std::string_view("USER a\0b", 8), State::authorization), "NUL"));
}

BOOST_AUTO_TEST_CASE(slips_are_answered_with_what_was_meant) {
    const std::pair<const char*, const char*> before[] = {
        {"PASSWORD secret", "PASS"}, {"password x", "PASS"}, {"LOGIN a b", "USER name, then PASS"},
        {"a1 LOGIN a b", "IMAP"},    {"ehlo x", "SMTP"},     {"GET / HTTP/1.1", "web"},
        {"STARTTLS", "STLS"},        {"bye", "QUIT"},        {"user: bob", "colon"},
        {"xyzzy", "QUIT"},           {"", "empty line"}};
    for (const auto& [line, names] : before)
        BOOST_TEST(contains(error_of(line, State::authorization), names), line);
    BOOST_TEST(contains(error_of("DELETE 1", State::transaction), "DELE"));
    BOOST_TEST(contains(error_of("READ 1", State::transaction), "RETR"));
    BOOST_TEST(contains(error_of("help", State::transaction), "RETR"));
    BOOST_TEST(!contains(error_of("help", State::transaction), "USER"));
}

BOOST_AUTO_TEST_SUITE_END()
