#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/unit/imap/parse.h"

using namespace veredus::imap;
using namespace veredus::imap::test;

namespace {

struct Example {
    State state;
    std::string_view line;
    std::string_view tag;
    std::string_view name;
};
constexpr auto kBefore = State::kNotAuthenticated;
constexpr auto kAfter = State::kAuthenticated;
constexpr auto kSelected = State::kSelected;
const std::vector<Example> kExamples{
    {kBefore, "abcd CAPABILITY", "abcd", "CAPABILITY"},
    {kBefore, "efgh STARTTLS", "efgh", "STARTTLS"},
    {kSelected, "a002 NOOP", "a002", "NOOP"},
    {kBefore, "A023 LOGOUT", "A023", "LOGOUT"},
    {kBefore, "A001 AUTHENTICATE GSSAPI", "A001", "AUTHENTICATE"},
    {kBefore, "A01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=", "A01", "AUTHENTICATE"},
    {kBefore, "A01 AUTHENTICATE EXTERNAL =", "A01", "AUTHENTICATE"},
    {kBefore, "a001 LOGIN SMITH SESAME", "a001", "LOGIN"},
    {kBefore, "d login \"fred\" \"foo\"", "d", "LOGIN"},
    {kAfter, "A142 SELECT INBOX", "A142", "SELECT"},
    {kAfter, "A932 EXAMINE blurdybloop", "A932", "EXAMINE"},
    {kAfter, "A003 CREATE owatagusiam/", "A003", "CREATE"},
    {kAfter, "A004 CREATE owatagusiam/blurdybloop", "A004", "CREATE"},
    {kAfter, "t2 CREATE MySpecial (USE (\\Drafts \\Sent))", "t2", "CREATE"},
    {kAfter, "A683 DELETE blurdybloop", "A683", "DELETE"},
    {kAfter, "A683 RENAME blurdybloop sarasoop", "A683", "RENAME"},
    {kAfter, "A002 SUBSCRIBE #news.comp.mail.mime", "A002", "SUBSCRIBE"},
    {kAfter, "A002 UNSUBSCRIBE #news.comp.mail.mime", "A002", "UNSUBSCRIBE"},
    {kAfter, "A101 LIST \"\" \"\"", "A101", "LIST"},
    {kAfter, "A102 LIST #news.comp.mail.misc \"\"", "A102", "LIST"},
    {kAfter, "A103 LIST /usr/staff/jones \"\"", "A103", "LIST"},
    {kAfter, "A202 LIST ~/Mail/ %", "A202", "LIST"},
    {kAfter, "A682 LIST \"\" *", "A682", "LIST"},
    {kAfter, "t3 LIST (SPECIAL-USE) \"\" \"*\"", "t3", "LIST"},
    {kAfter, "A04 LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)", "A04", "LIST"},
    {kAfter, "BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")", "BBB", "LIST"},
    {kAfter, "A002 LSUB \"#news.\" \"comp.mail.*\"", "A002", "LSUB"},
    {kAfter, "A003 LSUB \"#news.\" \"comp.%\"", "A003", "LSUB"},
    {kAfter, "A042 STATUS blurdybloop (UIDNEXT MESSAGES)", "A042", "STATUS"},
    {kAfter, "A003 APPEND saved-messages (\\Seen) {310}", "A003", "APPEND"},
    {kAfter, "A001 NAMESPACE", "A001", "NAMESPACE"},
    {kAfter, "a1 ENABLE CONDSTORE", "a1", "ENABLE"},
    {kAfter, "A002 IDLE", "A002", "IDLE"},
    {kBefore, "a023 ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" NIL)", "a023", "ID"},
    {kSelected, "a042 ID NIL", "a042", "ID"},
    {kSelected, "FXXZ CHECK", "FXXZ", "CHECK"},
    {kSelected, "A341 CLOSE", "A341", "CLOSE"},
    {kSelected, "A341 UNSELECT", "A341", "UNSELECT"},
    {kSelected, "A202 EXPUNGE", "A202", "EXPUNGE"},
    {kSelected, "A003 UID EXPUNGE 3000:3002", "A003", "UID EXPUNGE"},
    {kSelected, "A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", "A282", "SEARCH"},
    {kSelected, "A283 SEARCH TEXT \"string not in mailbox\"", "A283", "SEARCH"},
    {kSelected, "A284 UID SEARCH 1:100 UID 443:557", "A284", "UID SEARCH"},
    {kSelected, "A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])", "A654", "FETCH"},
    {kSelected, "A999 UID FETCH 4827313:4828442 FLAGS", "A999", "UID FETCH"},
    {kSelected, "A003 STORE 2:4 +FLAGS (\\Deleted)", "A003", "STORE"},
    {kSelected, "A003 uid store 2:4 flags.silent \\Deleted \\Seen", "A003", "UID STORE"},
    {kSelected, "A003 COPY 2:4 MEETING", "A003", "COPY"},
    {kSelected, "A005 UID COPY 305:310 meeting", "A005", "UID COPY"},
    {kSelected, "a UID MOVE 42:69 foo", "a", "UID MOVE"},
    {kSelected, "a MOVE 42:69 foo", "a", "MOVE"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(commands)

// Every command line of RFC 3501 sections 6 and 7, and of the extensions' RFCs, is taken.
BOOST_AUTO_TEST_CASE(examples_of_the_rfcs) {
    for (const auto& example : kExamples) {
        BOOST_TEST_CONTEXT(example.line) {
            const auto parsed = parse(example.line, example.state);
            BOOST_TEST(refused(parsed) == "");
            BOOST_REQUIRE(std::holds_alternative<Command>(parsed));
            BOOST_TEST(std::get<Command>(parsed).tag == example.tag);
            BOOST_TEST(std::get<Command>(parsed).spec->name == example.name);
        }
    }
}

// Whatever the table's examples promise to people can be typed.
BOOST_AUTO_TEST_CASE(each_usage_is_a_command) {
    for (const auto& spec : command_table()) {
        for (const auto state :
             {State::kNotAuthenticated, State::kAuthenticated, State::kSelected}) {
            if ((spec.states & static_cast<std::uint8_t>(state)) == 0) continue;
            const auto parsed = parse("m1 " + std::string(spec.usage), state);
            BOOST_TEST_CONTEXT(spec.usage) {
                BOOST_REQUIRE(std::holds_alternative<Command>(parsed));
                BOOST_TEST(std::get<Command>(parsed).spec == &spec);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(literals_stand_for_strings) {
    const auto before = State::kNotAuthenticated;
    const auto awaited = parse({"A001 LOGIN {11}"}, before);
    BOOST_TEST(std::holds_alternative<LiteralAwaited>(awaited));
    const auto awaited_again = parse({"A001 LOGIN {11}", "FRED FOOBAR", " {7}"}, before);
    BOOST_TEST(std::holds_alternative<LiteralAwaited>(awaited_again));
    const auto login = arguments<LoginArguments>(
        parse({"A001 LOGIN {11+}", "FRED FOOBAR", " {7+}", "fat man", ""}, before));
    BOOST_TEST(login.user == "FRED FOOBAR");
    BOOST_TEST(login.password == "fat man");

    const auto search = arguments<SearchArguments>(
        parse({"A284 SEARCH CHARSET UTF-8 TEXT {6}", "\xd0\xb4\xd0\xb0!\r", " SEEN"}));
    BOOST_TEST(search.program.charset == "UTF-8");
    BOOST_TEST(describe(search.program.key) ==
               "(and (text \"\xd0\xb4\xd0\xb0!\r\") (flag \\Seen yes))");

    // Line by line: what is wrong before the literal is told before the literal.
    BOOST_TEST(refused("A044 BLURDYBLOOP {102856}")
                   .starts_with("A044 BAD No such command as "
                                "\"BLURDYBLOOP\""));
    BOOST_TEST(refused("A1 SELECT x {3}").starts_with("A1 BAD Expected the end"));
    BOOST_TEST(refused(parse({"A1 LOGIN {1}", std::string_view("\0", 1), " x"}, before))
                   .starts_with("A1 BAD A literal here must not contain NUL"));
}

BOOST_AUTO_TEST_CASE(append) {
    const auto plain = arguments<AppendArguments>("a APPEND INBOX {5+}");
    BOOST_TEST(plain.mailbox == "INBOX");
    BOOST_TEST(plain.message.size == 5U);
    BOOST_TEST(!plain.message.synchronizing);
    BOOST_TEST(!plain.date.has_value());

    const auto full = arguments<AppendArguments>(
        R"(a APPEND "Sent" (\Seen $Forwarded \Recent \Odd \flagged) "17-Jul-1996 02:44:25 -0700" {310})");
    BOOST_TEST(full.flags.has(SystemFlag::kSeen));
    BOOST_TEST(full.flags.has(SystemFlag::kFlagged));
    BOOST_TEST(full.flags.keywords == std::vector<std::string>{"$Forwarded"});
    BOOST_TEST(full.date->zone_minutes == -420);
    BOOST_TEST(full.message.synchronizing);

    const auto awaited = parse({"a APPEND {5}"});
    BOOST_TEST(std::holds_alternative<LiteralAwaited>(awaited));
    const auto with_name =
        arguments<AppendArguments>(parse({"a APPEND {5}", "INBOX", " (\\Seen) {310}"}));
    BOOST_TEST(with_name.mailbox == "INBOX");
    BOOST_TEST(with_name.message.size == 310U);

    // A client that is told BAD for an odd keyword never synchronises again.
    const auto odd = arguments<AppendArguments>("a APPEND x (\\$NOTJUNK a]b \"q\" ok) {1}");
    BOOST_TEST(odd.flags.keywords == std::vector<std::string>{"ok"});

    BOOST_TEST(refused("a APPEND x UTF8 (~{12}").starts_with("a BAD Expected the message"));
    BOOST_TEST(refused("a APPEND x ~{12}").starts_with("a BAD Expected the message"));
    BOOST_TEST(refused("a APPEND x").starts_with("a BAD Expected a space, found the end"));
    BOOST_TEST(refused("a APPEND x \"text\" {3}").starts_with("a BAD Expected a date and time"));
    BOOST_TEST(refused("a APPEND x () ({3}").starts_with("a BAD Expected the message"));
}

BOOST_AUTO_TEST_CASE(store) {
    using Change = StoreArguments::Change;
    const auto replace = arguments<StoreArguments>("a STORE 2:4 FLAGS (\\DELETED NonJunk nonjunk)");
    BOOST_TEST((replace.change == Change::kReplace));
    BOOST_TEST(!replace.silent);
    BOOST_TEST(replace.flags.has(SystemFlag::kDeleted));
    BOOST_TEST(replace.flags.keywords == std::vector<std::string>{"NonJunk"});

    const auto add = arguments<StoreArguments>("a STORE 1 +FLAGS.SILENT \\Seen $MDNSent ");
    BOOST_TEST((add.change == Change::kAdd));
    BOOST_TEST(add.silent);
    BOOST_TEST(add.flags.keywords == std::vector<std::string>{"$MDNSent"});

    const auto remove = arguments<StoreArguments>("a UID STORE * -flags ()");
    BOOST_TEST((remove.change == Change::kRemove));
    BOOST_TEST(remove.messages.ranges().front().first == SequenceSet::kStar);

    BOOST_TEST(refused("a STORE 1 FLAGS (a\"b)").starts_with("a BAD Expected a flag"));
    BOOST_TEST(refused("a STORE 1 FLAGS (\\Seen").starts_with("a BAD"));
    BOOST_TEST(refused("a STORE 1 FLAG \\Seen").starts_with("a BAD Expected FLAGS"));
    BOOST_TEST(refused("a STORE 0 FLAGS \\Seen").starts_with("a BAD Expected message numbers"));
    BOOST_TEST(refused("a STORE 1,,2 FLAGS \\Seen").starts_with("a BAD Expected message numbers"));
    BOOST_TEST(refused("a STORE 4294967296 FLAGS ()").starts_with("a BAD Numbers are below"));
}

BOOST_AUTO_TEST_CASE(list) {
    const auto plain = arguments<ListArguments>("a LIST \"\" %");
    BOOST_TEST(!plain.extended);
    BOOST_TEST(plain.patterns == std::vector<std::string>{"%"});
    const auto extended = arguments<ListArguments>(
        "a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (INBOX \"b*\") RETURN (CHILDREN SPECIAL-USE)");
    BOOST_TEST(extended.extended);
    BOOST_TEST(extended.select.subscribed);
    BOOST_TEST(extended.select.recursive_match);
    BOOST_TEST(extended.returns.children);
    BOOST_TEST(extended.returns.special_use);
    BOOST_TEST((extended.patterns == std::vector<std::string>{"INBOX", "b*"}));
    BOOST_TEST(arguments<ListArguments>("a LIST () \"\" x RETURN ()").extended);
    BOOST_TEST(refused("a LIST (RECURSIVEMATCH) \"\" *").starts_with("a BAD RECURSIVEMATCH"));
    BOOST_TEST(refused("a LIST (FOO) \"\" *").starts_with("a BAD Expected an option"));
    BOOST_TEST(refused("a LIST \"\" * RETURN (FOO)").starts_with("a BAD Expected an option"));
    BOOST_TEST(refused("a LSUB \"\" * RETURN ()").starts_with("a BAD Expected the end"));
}

BOOST_AUTO_TEST_CASE(status_names_each_item_once) {
    const auto status = arguments<StatusArguments>("a STATUS x (UNSEEN messages UNSEEN)");
    BOOST_TEST(status.items.size() == 2U);
    BOOST_TEST((status.items[0] == StatusItem::kUnseen));
    BOOST_TEST(refused("a STATUS x ()").starts_with("a BAD Expected MESSAGES"));
    BOOST_TEST(refused("a STATUS x MESSAGES").starts_with("a BAD Expected \"(\""));
}

BOOST_AUTO_TEST_CASE(strings) {
    const auto login =
        arguments<LoginArguments>(R"(a LOGIN "a \"b\" \\c" p]w%)", State::kNotAuthenticated);
    BOOST_TEST(login.user == R"(a "b" \c)");
    BOOST_TEST(login.password == "p]w%");
}

BOOST_AUTO_TEST_CASE(states) {
    BOOST_TEST(refused("a SELECT x", State::kNotAuthenticated) ==
               "a BAD SELECT needs a login first, as in: a LOGIN user password");
    BOOST_TEST(refused("a FETCH 1 FLAGS", State::kAuthenticated) ==
               "a BAD FETCH needs a selected mailbox, as in: a SELECT INBOX");
    BOOST_TEST(refused("a LOGIN x y", State::kSelected) ==
               "a BAD LOGIN is for before the login, and you are logged in");
    // What cannot be done now is told before its arguments are looked at.
    BOOST_TEST(refused("a UID FETCH nonsense", State::kAuthenticated)
                   .starts_with("a BAD UID FETCH needs"));
}

BOOST_AUTO_TEST_CASE(lessons) {
    const auto before = State::kNotAuthenticated;
    const std::string tag_lesson = "* BAD A command begins with a tag of your choice, as in: m1 ";
    BOOST_TEST(refused("LOGIN alice secret", before) == tag_lesson + "LOGIN user password");
    BOOST_TEST(refused("list \"\" \"*\"") == tag_lesson + "LIST \"\" \"*\"");
    BOOST_TEST(refused("NOOP") == tag_lesson + "NOOP");
    BOOST_TEST(refused("UID FETCH 1 FLAGS") == tag_lesson + "NOOP");
    BOOST_TEST(refused("") == tag_lesson + "NOOP");
    BOOST_TEST(refused(" m1 NOOP") == tag_lesson + "NOOP");
    BOOST_TEST(refused("m+1 NOOP") == tag_lesson + "NOOP");
    BOOST_TEST(refused("m1") == "m1 BAD A command follows the tag, as in: m1 NOOP");
    BOOST_TEST(refused("USER alice", before) ==
               "* BAD This is IMAP, where one logs in with: m1 LOGIN user password");
    BOOST_TEST(refused("m7 USER alice", before) ==
               "m7 BAD This is IMAP, where one logs in with: m7 LOGIN user password");
    BOOST_TEST(refused("m7 quit", before) == "m7 BAD To leave, type: m7 LOGOUT");
    BOOST_TEST(refused("GET / HTTP/1.1", before) == "* BAD This is IMAP, not HTTP");
    BOOST_TEST(refused("m1 LOGIN alice", before) ==
               "m1 BAD Expected a space; an example: m1 LOGIN user password");
    // Nothing of a password is shown, not even to who sent it.
    BOOST_TEST(refused("m1 LOGIN alice se(cret", before) ==
               "m1 BAD Expected a password in \"double quotes\", for it has a special character; "
               "an example: m1 LOGIN user password");
    BOOST_TEST(refused("m1 FETCH all FLAGS") ==
               "m1 BAD Expected message numbers such as 2, 1:5 or 7:*, found \"all FLAGS\"; "
               "an example: m1 FETCH 1:5 (FLAGS ENVELOPE)");
    BOOST_TEST(refused("m1 SELECT my mail")
                   .starts_with("m1 BAD Expected the end of the command, found \"mail\""));
    // A tag may look like a command's name when a command follows it.
    BOOST_TEST(std::holds_alternative<Command>(parse("LIST NOOP")));
}

BOOST_AUTO_TEST_CASE(nesting_has_an_end) {
    std::string deep = "a SEARCH ";
    for (int i = 0; i < 100; ++i)
        deep += "NOT ";
    BOOST_TEST(refused(deep + "ALL") == "");
    for (int i = 0; i < 200; ++i)
        deep += "NOT ";
    BOOST_TEST(refused(deep + "ALL").starts_with("a BAD The command is nested too deeply"));
    BOOST_TEST(refused("a SEARCH " + std::string(5000, '(') + "ALL" + std::string(5000, ')'))
                   .starts_with("a BAD The command is nested too deeply"));
}

BOOST_AUTO_TEST_SUITE_END()
