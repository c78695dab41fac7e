#include "common/pop3/reply.h"

#include <boost/test/unit_test.hpp>

namespace pop3 = veredus::pop3;

namespace {

// `text` as a multi-line answer, put in pieces of `size` bytes.
std::string multiline(std::string_view text, std::size_t size) {
    pop3::Multiline lines;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size)
        lines.put(text.substr(at, size), out);
    lines.end(out);
    return out;
}

std::string top(std::string_view text, std::uint32_t lines, std::size_t size) {
    pop3::TopCounter counter(lines);
    std::string out;
    for (std::size_t at = 0; at < text.size() && !counter.done(); at += size) {
        const auto piece = text.substr(at, size);
        out += piece.substr(0, counter.take(piece));
    }
    return out;
}

void check_multiline(std::string_view text, std::string_view expected) {
    for (std::size_t size = 1; size <= text.size() + 1; ++size)
        BOOST_TEST(multiline(text, size) == expected, "in pieces of " << size);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reply)

BOOST_AUTO_TEST_CASE(dots_are_doubled_wherever_the_pieces_are_cut) {
    check_multiline("a\r\n.\r\n..b\r\n", "a\r\n..\r\n...b\r\n.\r\n");
    check_multiline(".", "..\r\n.\r\n");
    check_multiline("", ".\r\n");
    check_multiline("a.b\r\n", "a.b\r\n.\r\n");
}

BOOST_AUTO_TEST_CASE(the_end_stands_on_a_line_of_its_own) {
    check_multiline("no end", "no end\r\n.\r\n");
    check_multiline("half an end\r", "half an end\r\n.\r\n");
}

BOOST_AUTO_TEST_CASE(a_lone_line_feed_cannot_forge_the_end) {
    check_multiline("a\n.\nb\r\n", "a\r\n..\r\nb\r\n.\r\n");
    check_multiline("a\n\n.\r\n", "a\r\n\r\n..\r\n.\r\n");
}

BOOST_AUTO_TEST_CASE(top_is_header_empty_line_and_lines) {
    const std::string_view message = "A: 1\r\nB: 2\r\n\r\none\r\n\r\ntwo\r\nthree";
    for (std::size_t size = 1; size <= message.size(); ++size) {
        BOOST_TEST(top(message, 0, size) == "A: 1\r\nB: 2\r\n\r\n");
        BOOST_TEST(top(message, 1, size) == "A: 1\r\nB: 2\r\n\r\none\r\n");
        BOOST_TEST(top(message, 3, size) == "A: 1\r\nB: 2\r\n\r\none\r\n\r\ntwo\r\n");
        BOOST_TEST(top(message, 4, size) == message);
        BOOST_TEST(top(message, 4000000000u, size) == message);
    }
    BOOST_TEST(top("A: 1\r\n", 5, 3) == "A: 1\r\n");
}

BOOST_AUTO_TEST_CASE(capabilities_by_circumstances) {
    const auto has = [](const pop3::Circumstances& now, std::string_view line) {
        return pop3::capabilities(now).find("\r\n" + std::string(line) + "\r\n") !=
               std::string::npos;
    };
    using enum pop3::State;
    BOOST_TEST(has({authorization, false, true, true}, "STLS"));
    BOOST_TEST(has({authorization, false, true, true}, "USER"));
    BOOST_TEST(!has({authorization, true, true, true}, "STLS"));
    BOOST_TEST(!has({transaction, false, true, true}, "STLS"));
    BOOST_TEST(!has({authorization, false, true, false}, "USER"));
    BOOST_TEST(!has({authorization, false, true, false}, "SASL PLAIN"));
    BOOST_TEST(has({authorization, false, false, false}, "TOP"));
    BOOST_TEST(pop3::capabilities({}).ends_with("\r\n.\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
