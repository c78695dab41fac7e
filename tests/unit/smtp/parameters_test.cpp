#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "common/smtp/command.h"
#include "common/smtp/parameters.h"

using namespace veredus::smtp;
namespace mail = veredus::mail;

namespace {

constexpr ParseContext kDsn{.dsn = true};

MailArguments mail_with(std::string_view parameters, const ParseContext& context = kDsn) {
    auto command = parse_command("MAIL FROM:<a@b> " + std::string(parameters), context);
    BOOST_REQUIRE_MESSAGE(command, parameters);
    return std::get<MailArguments>(command->arguments);
}

RcptArguments rcpt_with(std::string_view parameters) {
    auto command = parse_command("RCPT TO:<a@b> " + std::string(parameters), kDsn);
    BOOST_REQUIRE_MESSAGE(command, parameters);
    return std::get<RcptArguments>(command->arguments);
}

int code_of(const std::string& line, const ParseContext& context = kDsn) {
    const auto command = parse_command(line, context);
    if (command) return 250;
    BOOST_TEST(command.error().reply.status->text() == "5.5.4");
    return command.error().reply.code;
}

BOOST_AUTO_TEST_SUITE(parameters)

BOOST_AUTO_TEST_CASE(size) {
    BOOST_TEST(!mail_with("").size);
    BOOST_TEST(*mail_with("SIZE=0").size == 0);
    BOOST_TEST(*mail_with("size=12345").size == 12345);
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    BOOST_TEST(*mail_with("SIZE=18446744073709551615").size == kMost);
    BOOST_TEST(*mail_with("SIZE=99999999999999999999").size == kMost);
    for (const char* wrong : {"SIZE", "SIZE=", "SIZE=x", "SIZE=-1", "SIZE=1k", "SIZE= 1",
                              "SIZE=100000000000000000000", "SIZE=1 SIZE=1"})
        BOOST_TEST(code_of("MAIL FROM:<a@b> " + std::string(wrong)) == 501, wrong);
}

BOOST_AUTO_TEST_CASE(body) {
    BOOST_TEST((mail_with("BODY=8bitmime").body == mail::BodyType::kEightBitMime));
    BOOST_TEST((mail_with("BODY=7BIT").body == mail::BodyType::kSevenBit));
    for (const char* wrong : {"BODY", "BODY=", "BODY=9BIT", "BODY=BINARYMIME"})
        BOOST_TEST(code_of("MAIL FROM:<a@b> " + std::string(wrong)) == 501, wrong);
}

BOOST_AUTO_TEST_CASE(auth) {
    BOOST_TEST(*mail_with("AUTH=<>").auth == "<>");
    BOOST_TEST(*mail_with("AUTH=e+3Dmc2@example.com").auth == "e=mc2@example.com");
    for (const char* wrong : {"AUTH", "AUTH=", "AUTH=bob", "AUTH=e=mc2@x", "AUTH=a+0Ab@x"})
        BOOST_TEST(code_of("MAIL FROM:<a@b> " + std::string(wrong)) == 501, wrong);
}

BOOST_AUTO_TEST_CASE(ret_and_envid) {
    BOOST_TEST((mail_with("RET=hdrs").ret == mail::Ret::kHeaders));
    BOOST_TEST((mail_with("RET=FULL").ret == mail::Ret::kFull));
    BOOST_TEST((mail_with("").ret == mail::Ret::kUnsaid));
    BOOST_TEST(mail_with("ENVID=QQ+20314").envelope_id == "QQ 314");
    const std::string wrong[] = {
        "RET", "RET=ALL", "ENVID=", "ENVID=a+00", "ENVID=a+C3", "ENVID=" + std::string(101, 'a')};
    for (const auto& one : wrong)
        BOOST_TEST(code_of("MAIL FROM:<a@b> " + one) == 501, one);
}

BOOST_AUTO_TEST_CASE(notify) {
    BOOST_TEST(rcpt_with("").notify == 0);
    BOOST_TEST(rcpt_with("NOTIFY=never").notify == mail::kNotifyNever);
    BOOST_TEST(rcpt_with("NOTIFY=SUCCESS,Delay").notify ==
               (mail::kNotifySuccess | mail::kNotifyDelay));
    BOOST_TEST(rcpt_with("NOTIFY=FAILURE").notify == mail::kNotifyFailure);
    for (const char* wrong : {"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=SUCCESS,",
                              "NOTIFY=,DELAY", "NOTIFY=ALWAYS"})
        BOOST_TEST(code_of("RCPT TO:<a@b> " + std::string(wrong)) == 501, wrong);
}

BOOST_AUTO_TEST_CASE(original_recipient) {
    BOOST_TEST(rcpt_with("ORCPT=rfc822;a+2Bb@c").original_recipient == "rfc822;a+b@c");
    const std::string wrong[] = {"ORCPT=",
                                 "ORCPT=a@b",
                                 "ORCPT=;a@b",
                                 "ORCPT=rfc822;",
                                 "ORCPT=rfc822;+0A",
                                 "ORCPT=rf(c;a@b",
                                 "ORCPT=rfc822;" + std::string(500, 'a')};
    for (const auto& one : wrong)
        BOOST_TEST(code_of("RCPT TO:<a@b> " + one) == 501, one);
}

// RFC 6533, 3: what is not ASCII in seven bits; what is not written so is carried as it came.
BOOST_AUTO_TEST_CASE(original_recipient_beyond_ascii) {
    for (const char* good :
         {"utf-8;j\\x{F6}rg@b\\x{FC}cher.example", "UTF-8;bob@b.example", "utf-8;\\x{nonsense"})
        BOOST_TEST(rcpt_with("ORCPT=" + std::string(good)).original_recipient == good);
    const auto raw = parse_command("RCPT TO:<a@b> ORCPT=utf-8;j\xC3\xB6rg@b", kDsn);
    BOOST_TEST(!raw.has_value());  // needs SMTPUTF8
}

// What is read is written again, so that the next host gets the same.
BOOST_AUTO_TEST_CASE(said_again_to_the_next_host) {
    for (const char* given : {"", " RET=FULL", " RET=HDRS ENVID=QQ+20314", " ENVID=a+3Db+2Bc~"}) {
        const auto mail = mail_with(given);
        BOOST_TEST(dsn_mail_parameters(mail.ret, mail.envelope_id) == given);
    }
    for (const char* given :
         {"", " NOTIFY=NEVER", " NOTIFY=SUCCESS,FAILURE,DELAY", " NOTIFY=FAILURE",
          " NOTIFY=DELAY ORCPT=rfc822;Bob+2Bx@B.example", " ORCPT=x-400;/C+3D+20x",
          " ORCPT=utf-8;j\\x{F6}rg@b\\x{FC}cher.example"}) {
        const auto rcpt = rcpt_with(given);
        BOOST_TEST(dsn_rcpt_parameters(rcpt.notify, rcpt.original_recipient) == given);
    }
    // The shortest xtext: never longer than what came in.
    BOOST_TEST(dsn_mail_parameters(mail::Ret::kUnsaid, mail_with("ENVID=+41+3d").envelope_id) ==
               " ENVID=A+3D");
}

BOOST_AUTO_TEST_CASE(several_in_any_order) {
    const auto mail = mail_with("BODY=8BITMIME  AUTH=<>\tSIZE=3 RET=FULL ENVID=x");
    BOOST_TEST(*mail.size == 3);
    BOOST_TEST(mail.envelope_id == "x");
    const auto rcpt = rcpt_with("ORCPT=rfc822;x@y NOTIFY=DELAY");
    BOOST_TEST(rcpt.notify == mail::kNotifyDelay);
}

BOOST_AUTO_TEST_CASE(what_is_not_offered_is_not_known) {
    for (const char* unknown : {"COLOUR=blue", "=", "=x", "SMTPUTF8", "NOTIFY=NEVER"})
        BOOST_TEST(code_of("MAIL FROM:<a@b> " + std::string(unknown)) == 555, unknown);
    for (const char* unknown : {"FOO=bar", "SIZE=1", "RET=FULL"})
        BOOST_TEST(code_of("RCPT TO:<a@b> " + std::string(unknown)) == 555, unknown);
    BOOST_TEST(code_of("MAIL FROM:<a@b> RET=FULL", {}) == 555);
    BOOST_TEST(code_of("RCPT TO:<a@b> NOTIFY=NEVER", {}) == 555);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
