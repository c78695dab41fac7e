#include "common/smtp/command.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace veredus::smtp;

namespace {

// The reply a line is refused with, as it goes to a log; empty if it is a command.
std::string refusal(std::string_view line, const ParseContext& context = {}) {
    const auto command = parse_command(line, context);
    return command ? std::string() : command.error().reply.text();
}

template <class T>
T arguments(std::string_view line, const ParseContext& context = {}) {
    auto command = parse_command(line, context);
    BOOST_REQUIRE_MESSAGE(command, line);
    return std::get<T>(command->arguments);
}

void begins(const std::string& text, std::string_view start) {
    BOOST_TEST(text.starts_with(start), text << " should begin with " << start);
}

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(verbs_in_any_case_with_spaces_about) {
    struct Case {
        std::string_view line;
        Verb verb;
    };
    const Case cases[] = {
        {"EHLO x", Verb::ehlo},          {"helo telnet", Verb::helo},  {"mail from:<>", Verb::mail},
        {"rCpT tO:<a@b>", Verb::rcpt},   {"data", Verb::data},         {"DATA  ", Verb::data},
        {"  rset\t", Verb::rset},        {"Quit", Verb::quit},         {"noop", Verb::noop},
        {"NOOP with words", Verb::noop}, {"vrfy alice", Verb::vrfy},   {"help", Verb::help},
        {"HELP MAIL", Verb::help},       {"starttls", Verb::starttls}, {"auth plain", Verb::auth},
    };
    for (const auto& one : cases) {
        const auto command = parse_command(one.line);
        BOOST_REQUIRE_MESSAGE(command, one.line);
        BOOST_TEST((command->verb() == one.verb), one.line);
    }
}

BOOST_AUTO_TEST_CASE(hello_takes_what_real_clients_say) {
    for (std::string_view name : {"telnet", "mx.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]",
                                  "my_host", "192.0.2.1", "host.example."}) {
        BOOST_TEST(arguments<HelloArguments>("EHLO " + std::string(name)).name == name);
        BOOST_TEST(arguments<HelloArguments>("helo " + std::string(name)).name == name);
    }
    begins(refusal("EHLO"), "501 5.5.4 Who are you? Type EHLO your.host.name");
    begins(refusal("helo"), "501 5.5.4 Who are you? Type HELO your.host.name");
    begins(refusal("HELO my computer"), "501 5.5.4 HELO is followed by one host name");
    begins(refusal("EHLO a(b)"), "501 5.5.4");
    begins(refusal("EHLO <a>"), "501 5.5.4");
    begins(refusal("EHLO " + std::string(256, 'a')), "501 5.5.4");
}

BOOST_AUTO_TEST_CASE(senders_and_recipients) {
    struct Case {
        std::string_view line, path;
    };
    const Case senders[] = {
        {"MAIL FROM:<a@b.example>", "a@b.example"},
        {"mail from: <a@b.example>", "a@b.example"},
        {"MAIL FROM:a@b.example", "a@b.example"},
        {"Mail From: a@b.example  ", "a@b.example"},
        {"MAIL FROM:<>", ""},
        {"mail from : <a@b.example>", "a@b.example"},
        {"MAIL\tFROM:<a@b.example>", "a@b.example"},
        {"MAIL FROM:<@x:a@b.example>", "a@b.example"},
        {"MAIL FROM:<\"a b\"@c.example>", "\"a b\"@c.example"},
    };
    for (const auto& one : senders)
        BOOST_TEST(arguments<MailArguments>(one.line).reverse_path.text() == one.path);
    const Case recipients[] = {
        {"RCPT TO:<a@b.example>", "a@b.example"},
        {"rcpt to: a@b.example", "a@b.example"},
        {"rcpt to:    <Bob@EXAMPLE.org>", "Bob@example.org"},
        {"RCPT TO:<Postmaster>", "postmaster"},
    };
    for (const auto& one : recipients)
        BOOST_TEST(arguments<RcptArguments>(one.line).forward_path.text() == one.path);
}

BOOST_AUTO_TEST_CASE(slips_in_addresses_teach) {
    struct Case {
        std::string_view line, reply;
    };
    const Case cases[] = {
        {"MAIL", "501 5.5.4 Type MAIL FROM:<your@address>"},
        {"MAIL user@x", "501 5.5.4 Type MAIL FROM:<your@address>"},
        {"MAIL FROM", "501 5.5.4 Type MAIL FROM:<your@address>"},
        {"MAIL FROM:", "501 5.5.4 Type MAIL FROM:<your@address>"},
        {"MAIL FROM <a@b>", "501 5.5.4 Type MAIL FROM:<your@address>"},
        {"MAIL TO:<a@b>", "501 5.5.4 Type MAIL FROM:<your@address>"},
        {"MAIL:<a@b>", "500 5.5.2 No command MAIL:: MAIL FROM:<your@address>"},
        {"MAIL FROM:<a@b", "501 5.1.7 Bad sender address <a@b: the closing > is missing"},
        {"MAIL FROM:<a b@c>", "501 5.1.7 Bad sender address <a b@c>"},
        {"MAIL FROM:<a@b>SIZE=1", "501 5.5.4 After the address come a space and parameters"},
        {"MAIL FROM:John <a@b>", "553 5.1.7 Sender John has no domain"},
        {"MAIL FROM:<john> SIZE=1",
         "553 5.1.7 Sender john has no domain; type MAIL FROM:<john@your.domain>"},
        {"RCPT", "501 5.5.4 Type RCPT TO:<their@address>"},
        {"RCPT TO:", "501 5.5.4 Type RCPT TO:<their@address>"},
        {"RCPT FROM:<a@b>", "501 5.5.4 Type RCPT TO:<their@address>"},
        {"RCPT TO:<>", "501 5.1.3 Bad recipient address <>: the address is missing"},
        {"RCPT TO:<a@>", "501 5.1.3 Bad recipient address <a@>"},
        {"RCPT TO:<bob>", "553 5.1.3 Recipient bob has no domain; type RCPT TO:<bob@their.domain>"},
    };
    for (const auto& one : cases)
        begins(refusal(one.line), one.reply);
}

BOOST_AUTO_TEST_CASE(local_programs_say_names_without_domain) {
    const auto own = Domain::parse("host.example").value();
    const ParseContext local{.qualify_with = &own};
    BOOST_TEST(arguments<MailArguments>("MAIL FROM:<root>", local).reverse_path.text() ==
               "root@host.example");
    BOOST_TEST(arguments<RcptArguments>("RCPT TO:<bob>", local).forward_path.text() ==
               "bob@host.example");
}

BOOST_AUTO_TEST_CASE(auth_has_a_mechanism_and_perhaps_a_response) {
    const auto alone = arguments<AuthArguments>("auth plain");
    BOOST_TEST(alone.mechanism == "PLAIN");
    BOOST_TEST(!alone.initial_response);
    const auto with = arguments<AuthArguments>("AUTH LOGIN  dXNlcg==");
    BOOST_TEST(with.mechanism == "LOGIN");
    BOOST_TEST((with.initial_response == "dXNlcg=="));
    BOOST_TEST((arguments<AuthArguments>("AUTH PLAIN =").initial_response == "="));
    begins(refusal("AUTH"), "501 5.5.4 Type AUTH PLAIN");
}

BOOST_AUTO_TEST_CASE(commands_without_arguments_stand_alone) {
    for (std::string_view line : {"DATA now", "RSET x", "QUIT please", "STARTTLS 1"})
        begins(refusal(line), "501 5.5.4");
    begins(refusal("QUIT please"), "501 5.5.4 QUIT stands alone; type QUIT");
}

BOOST_AUTO_TEST_CASE(what_is_no_command_is_told_what_is) {
    struct Case {
        std::string_view line, reply;
    };
    const Case cases[] = {
        {"", "500 5.5.2 The line is empty"},
        {"   ", "500 5.5.2 The line is empty"},
        {"FROBNICATE x", "500 5.5.2 No command FROBNICATE; HELP lists the commands"},
        {"HELLO x", "500 5.5.2 No command HELLO: type EHLO your.host.name"},
        {"EXIT", "500 5.5.2 No command EXIT: type QUIT"},
        {"From: a@b", "500 5.5.2 No command From: the sender is given with MAIL FROM:"},
        {"Subject: hi", "500 5.5.2 No command Subject: the header comes after DATA"},
        {".", "500 5.5.2 No command .: the dot ends a message"},
        {"mailfrom:<a@b>", "500 5.5.2 No command mailfrom: there is a space"},
        {"QIUT", "500 5.5.2 No command QIUT; did you mean QUIT?"},
        {"RCTP TO:<a@b>", "500 5.5.2 No command RCTP; did you mean RCPT?"},
        {"DTA", "500 5.5.2 No command DTA; did you mean DATA?"},
        {"DATTA", "500 5.5.2 No command DATTA; did you mean DATA?"},
        {"STARTLS", "500 5.5.2 No command STARTLS; did you mean STARTTLS?"},
        {"USER bob", "500 5.5.2 No command USER: this is SMTP"},
        {"EXPN list", "502 5.5.1 EXPN is not offered here"},
        {"BDAT 100 LAST", "502 5.5.1 BDAT is not offered here"},
        {"GET / HTTP/1.1", "500 5.5.2 This port speaks SMTP, not HTTP"},
        {"XQUEUE", "500 5.5.2 No command XQUEUE"},
        {"caf\xc3\xa9", "500 5.5.2 The line has characters outside ASCII"},
        {"HELO te\bx", "500 5.5.2 The line has a control character"},
        {std::string_view("HELO a\0b", 8), "500 5.5.2 The line has a control character"},
    };
    for (const auto& one : cases)
        begins(refusal(one.line), one.reply);
    BOOST_TEST((parse_command("POST / HTTP/1.0").error().name == Say::http_here));
}

BOOST_AUTO_TEST_CASE(the_submission_socket_knows_one_command_more) {
    const ParseContext local{.submission_socket = true};
    BOOST_TEST((parse_command("xqueue", local)->verb() == Verb::xqueue));
}

BOOST_AUTO_TEST_CASE(lines_have_a_limit) {
    const std::string noop = "NOOP ";
    BOOST_TEST(refusal(noop + std::string(kCommandLineMax - 2 - noop.size(), 'x')) == "");
    begins(refusal(noop + std::string(kCommandLineMax - 1 - noop.size(), 'x')),
           "500 5.5.2 Line too long");
    const std::string auth = "AUTH PLAIN ";
    BOOST_TEST(refusal(auth + std::string(kAuthLineMax - 2 - auth.size(), 'x')) == "");
    begins(refusal(auth + std::string(kAuthLineMax - 1 - auth.size(), 'x')), "500 5.5.6");
}

BOOST_AUTO_TEST_CASE(the_table_knows_the_pipeline) {
    // RFC 2920, 3.1: these end a group; MAIL, RCPT and RSET do not.
    for (const auto& row : commands()) {
        const bool within =
            row.verb == Verb::mail || row.verb == Verb::rcpt || row.verb == Verb::rset;
        BOOST_TEST(row.has(last_in_group) == !within, row.name);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
