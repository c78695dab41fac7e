#include "common/smtp/reply.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "common/smtp/replies.h"

using namespace veredus::smtp;

namespace {

std::string wire(const Reply& reply) {
    std::string out;
    render(reply, out);
    return out;
}

Reply many(int code, std::optional<EnhancedStatus> status, std::vector<std::string> lines) {
    Reply reply;
    reply.code = code;
    reply.status = status;
    reply.lines = std::move(lines);
    return reply;
}

// What the parser makes of lines; nothing if it calls one malformed or wants more.
std::optional<Reply> parsed(const std::vector<std::string>& lines) {
    ReplyParser parser;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto state = parser.line(lines[i]);
        if (state == ReplyParser::State::malformed) return std::nullopt;
        if (state == ReplyParser::State::complete)
            return i + 1 == lines.size() ? std::optional(parser.take()) : std::nullopt;
    }
    return std::nullopt;
}

BOOST_AUTO_TEST_SUITE(reply)

BOOST_AUTO_TEST_CASE(rendering) {
    BOOST_TEST(wire({250, EnhancedStatus{2, 0, 0}, "Ok"}) == "250 2.0.0 Ok\r\n");
    BOOST_TEST(wire({354, std::nullopt, "Go"}) == "354 Go\r\n");
    BOOST_TEST(wire(many(250, std::nullopt, {"mx", "SIZE 1", "PIPELINING"})) ==
               "250-mx\r\n250-SIZE 1\r\n250 PIPELINING\r\n");
    BOOST_TEST(wire(many(550, EnhancedStatus{5, 1, 1}, {"a", ""})) ==
               "550-5.1.1 a\r\n550 5.1.1 \r\n");
    BOOST_TEST(wire({550, std::nullopt, "a\r\n250 b"}) == "550 a  250 b\r\n");
    const Reply long_one(250, std::nullopt, std::string(1000, 'x'));
    BOOST_TEST(wire(long_one).size() == 512u);
    std::string whole;
    render(long_one, whole, true);
    BOOST_TEST(whole.size() == 1006u);
}

BOOST_AUTO_TEST_CASE(kinds_and_texts) {
    const Reply refused = many(550, EnhancedStatus{5, 1, 1}, {"a", "b"});
    BOOST_TEST(refused.permanent());
    BOOST_TEST(!refused.temporary());
    BOOST_TEST(!refused.positive());
    BOOST_TEST(refused.text() == "550 5.1.1 a b");
    // As the largest hosts write.
    BOOST_TEST(many(550, EnhancedStatus{5, 7, 26},
                    {"This mail is unauthenticated.", "", "  SPF = did not pass",
                     " See https://a.example"})
                   .text() ==
               "550 5.7.26 This mail is unauthenticated. SPF = did not pass See https://a.example");
    BOOST_TEST(refused.status_text() == "5.1.1");
    BOOST_TEST(Reply(421, std::nullopt, "x").status_text() == "4.0.0");
    BOOST_TEST(Reply(421, std::nullopt, "x").temporary());
    BOOST_TEST(Reply(354, std::nullopt, "x").positive());
}

BOOST_AUTO_TEST_CASE(a_clients_parser_takes_what_servers_say) {
    const EnhancedStatus unknown{5, 1, 1};
    BOOST_TEST((parsed({"250 2.0.0 Ok"}) == Reply(250, EnhancedStatus{2, 0, 0}, "Ok")));
    BOOST_TEST((parsed({"250 Ok"}) == Reply(250, std::nullopt, "Ok")));
    BOOST_TEST((parsed({"250"}) == Reply(250, std::nullopt, "")));
    BOOST_TEST((parsed({"250 "}) == Reply(250, std::nullopt, "")));
    BOOST_TEST((parsed({"550-5.1.1 a", "550 5.1.1 b"}) == many(550, unknown, {"a", "b"})));
    BOOST_TEST((parsed({"550-5.1.1 a", "550 b"}) == many(550, unknown, {"a", "b"})));
    BOOST_TEST((parsed({"550-5.1.1 a", "550 5.2.2 b"}) == many(550, unknown, {"a", "5.2.2 b"})));
    // RFC 2034, 4: the class is that of the code.
    BOOST_TEST((parsed({"550 4.1.1 a"}) == Reply(550, std::nullopt, "4.1.1 a")));
    BOOST_TEST((parsed({"250-mx", "250-SIZE 10", "250 HELP"}) ==
                many(250, std::nullopt, {"mx", "SIZE 10", "HELP"})));
    // RFC 5321, 4.2: codes that are not listed count by their first digit.
    BOOST_TEST((parsed({"599 odd"})->permanent()));
}

BOOST_AUTO_TEST_CASE(a_clients_parser_refuses_what_is_no_reply) {
    const std::vector<std::vector<std::string>> wrong = {
        {""},          {"25"},   {"Hello"},  {"150 x"},          {"650 x"},
        {"2500 x"},    {"250x"}, {" 250 x"}, {"250-a", "550 b"}, {"250-a", "nonsense"},
        {"250-a", ""},
    };
    for (const auto& lines : wrong)
        BOOST_TEST(!parsed(lines), lines.back());
    ReplyParser parser;
    for (std::size_t i = 0; i < ReplyParser::kLinesMax; ++i)
        BOOST_TEST((parser.line("250-x") == ReplyParser::State::more));
    BOOST_TEST((parser.line("250-x") == ReplyParser::State::malformed));
}

BOOST_AUTO_TEST_CASE(a_parser_goes_on_with_the_next_reply) {
    ReplyParser parser;
    BOOST_TEST((parser.line("220 mx") == ReplyParser::State::complete));
    BOOST_TEST(parser.take().code == 220);
    BOOST_TEST((parser.line("250-a") == ReplyParser::State::more));
    BOOST_TEST((parser.line("250 b") == ReplyParser::State::complete));
    BOOST_TEST((parser.take() == many(250, std::nullopt, {"a", "b"})));
}

BOOST_AUTO_TEST_CASE(what_is_rendered_is_read_back) {
    for (const auto& row : named_replies()) {
        const Reply said = say(row.name, {"x", "y", "z"}).reply;
        std::string line = wire(said);
        BOOST_TEST_REQUIRE(line.ends_with("\r\n"));
        line.resize(line.size() - 2);
        BOOST_TEST((parsed({line}) == said), line);
    }
}

BOOST_AUTO_TEST_CASE(the_table_of_replies_is_sound) {
    for (const auto& row : named_replies()) {
        BOOST_TEST(!row.text.empty());
        BOOST_TEST(row.code >= 200);
        BOOST_TEST(row.code < 600);
        // RFC 2034, 4: not in greetings, replies to EHLO and 3xx; else of the code's class.
        if (row.status) BOOST_TEST(row.status->status_class == row.code / 100, row.text);
        if (row.code >= 400) BOOST_TEST(row.status.has_value(), row.text);
        // Whatever goes well is nobody's fault, and what is not has somebody to look to.
        BOOST_TEST((row.blame == Blame::nobody) == (row.code < 400), row.text);
    }
}

BOOST_AUTO_TEST_CASE(arguments_fill_the_holes_and_forge_nothing) {
    BOOST_TEST(
        say(Say::unknown_user, {"a@b"}).reply.text() ==
        "550 5.1.1 <a@b>: Recipient address rejected: User unknown; there is no such user here");
    BOOST_TEST(
        say(Say::unknown_user, {"a{}b"}).reply.text() ==
        "550 5.1.1 <a{}b>: Recipient address rejected: User unknown; there is no such user here");
    BOOST_TEST(say(Say::greeting, {"mx\r\n250 x\x80"}).reply.text() ==
               "220 mx??250 x? ESMTP Veredus");
    BOOST_TEST((say(Say::queue_unavailable).blame() == Blame::us));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
