#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "common/imap/command_reader.h"

using namespace veredus::imap;
using Need = CommandReader::Need;

namespace {

constexpr CommandLimits kLimits{100, 20, 150, 1000};

std::string outcome(CommandReader& reader) {
    BOOST_REQUIRE((reader.need() == Need::kNothing));
    auto result = reader.take();
    if (auto* refusal = std::get_if<Refusal>(&result)) {
        return status_line(refusal->tag, refusal->answer);
    }
    return std::string(std::get<Command>(result).spec->name);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_reader)

BOOST_AUTO_TEST_CASE(a_line) {
    CommandReader reader(kLimits, State::kNotAuthenticated);
    BOOST_TEST((reader.need() == Need::kLine));
    reader.line("a NOOP");
    BOOST_TEST(outcome(reader) == "NOOP");
}

BOOST_AUTO_TEST_CASE(literals_of_both_kinds) {
    CommandReader reader(kLimits, State::kNotAuthenticated);
    reader.line("A001 LOGIN {11}");
    BOOST_TEST((reader.need() == Need::kLiteral));
    BOOST_TEST(reader.size() == 11U);
    BOOST_TEST(reader.continuation());
    reader.literal("FRED FOOBAR");
    BOOST_TEST((reader.need() == Need::kLine));
    reader.line(" {7+}");
    BOOST_TEST((reader.need() == Need::kLiteral));
    BOOST_TEST(!reader.continuation());
    reader.literal("fat man");
    reader.line("");
    BOOST_TEST(outcome(reader) == "LOGIN");
}

// A refused command's literals are read where they come anyway, and only there.
BOOST_AUTO_TEST_CASE(refused_commands_keep_the_stream_in_step) {
    CommandReader waits(kLimits, State::kSelected);
    waits.line("A044 BLURDYBLOOP {102856}");
    BOOST_TEST(outcome(waits).starts_with("A044 BAD"));

    CommandReader comes(kLimits, State::kSelected);
    comes.line("A044 BLURDYBLOOP {100+}");
    BOOST_TEST((comes.need() == Need::kSkip));
    BOOST_TEST(comes.size() == 100U);
    comes.skipped();
    BOOST_TEST((comes.need() == Need::kLine));
    comes.line(" {3+}");
    BOOST_TEST((comes.need() == Need::kSkip));
    comes.skipped();
    comes.line(" more");
    BOOST_TEST(outcome(comes).starts_with("A044 BAD"));

    CommandReader stops(kLimits, State::kSelected);
    stops.line("A044 BLURDYBLOOP {100+}");
    stops.skipped();
    stops.line(" {3}");
    BOOST_TEST(outcome(stops).starts_with("A044 BAD"));

    CommandReader utf8(kLimits, State::kSelected);
    utf8.line("a APPEND x UTF8 (~{12+}");
    BOOST_TEST((utf8.need() == Need::kSkip));
    utf8.skipped();
    utf8.line(")");
    BOOST_TEST(outcome(utf8).starts_with("a BAD"));
}

BOOST_AUTO_TEST_CASE(limits) {
    CommandReader literal(kLimits, State::kSelected);
    literal.line("a SELECT {21}");
    BOOST_TEST(outcome(literal) == "a BAD [TOOBIG] A literal has at most 20 octets here\r\n");

    CommandReader hopeless(kLimits, State::kSelected);
    hopeless.line("a SELECT {99999999999999999999+}");
    BOOST_TEST((hopeless.need() == Need::kClose));

    CommandReader endless(kLimits, State::kSelected);
    endless.line("a FOO {0+}");
    int rounds = 0;
    while (endless.need() == Need::kSkip) {
        endless.skipped();
        endless.line("{0+}");
        ++rounds;
    }
    BOOST_TEST((endless.need() == Need::kClose));
    BOOST_TEST(rounds == 1000);

    CommandReader whole(kLimits, State::kSelected);
    whole.line("a ID (" + std::string(80, '"') + " {20}");
    BOOST_TEST(outcome(whole).starts_with("a BAD"));

    CommandReader long_line(kLimits, State::kSelected);
    long_line.long_line("a1 SEARCH " + std::string(90, 'x'));
    BOOST_TEST(outcome(long_line) == "a1 BAD [TOOBIG] A line has at most 100 octets\r\n");
    CommandReader no_tag(kLimits, State::kSelected);
    no_tag.long_line(std::string(100, 'x'));
    BOOST_TEST(outcome(no_tag).starts_with("* BAD [TOOBIG]"));
}

BOOST_AUTO_TEST_CASE(lines_that_do_not_end_in_crlf) {
    CommandReader reader(kLimits, State::kSelected);
    reader.broken_line("a1 NOOP");
    BOOST_TEST(outcome(reader).starts_with("a1 BAD A line ends with CR LF"));
    CommandReader within(kLimits, State::kNotAuthenticated);
    within.line("a2 LOGIN {5+}");
    within.literal("alice");
    within.broken_line(" secret");
    BOOST_TEST(outcome(within).starts_with("a2 BAD A line ends with CR LF"));
}

BOOST_AUTO_TEST_CASE(append_is_ready_before_its_message) {
    CommandReader reader(kLimits, State::kAuthenticated);
    reader.line("a APPEND {5+}");
    reader.literal("INBOX");
    reader.line(" (\\Seen) {60000000+}");
    BOOST_TEST(outcome(reader) == "APPEND");

    auto unwanted = CommandReader::after_refusal(
        kLimits, LiteralMark{12, false, 0}, Refusal{"a", no("No such mailbox", Code::kTryCreate)});
    BOOST_TEST((unwanted.need() == Need::kSkip));
    unwanted.skipped();
    unwanted.line("");
    BOOST_TEST(outcome(unwanted) == "a NO [TRYCREATE] No such mailbox\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
