#include <boost/test/unit_test.hpp>

#include "common/mail/delivery_status.h"
#include "common/mail/encoded_word.h"
#include "common/mail/imap_structure.h"
#include "common/mail/mime.h"
#include "common/mail/text.h"
#include "tests/unit/mail/imap_grammar.h"

using namespace veredus::mail;

namespace {

const std::string kOriginal =
    "From: alice@a.example\r\nSubject: lunch\r\nMessage-ID: <1@a.example>\r\n\r\nAt noon?\r\n";

DeliveryReport a_report() {
    DeliveryReport report{.reporting_mta = "mx.a.example",
                          .message_id = "<report-1@mx.a.example>",
                          .date = {.unix_seconds = 86400},
                          .reverse_path = "alice@a.example",
                          .envelope_id = "Env+1",
                          .queue_id = "0123456789ABC",
                          .arrival = DateTime{.unix_seconds = 0},
                          .recipients = {},
                          .ret = ReturnContent::kFull,
                          .original = kOriginal};
    report.recipients.push_back({.final_recipient = "bob@b.example",
                                 .original_recipient = "rfc822;Bob@b.example",
                                 .action = Action::kFailed,
                                 .status = "5.1.1",
                                 .remote_mta = "mx.b.example",
                                 .remote_address = "192.0.2.1:25",
                                 .diagnostic = "550-5.1.1 no such\r\n550 5.1.1 user",
                                 .last_attempt = DateTime{.unix_seconds = 3600},
                                 .will_retry_until = DateTime{.unix_seconds = 7200}});
    return report;
}

struct Parsed {
    std::string bytes;
    Message message;

    explicit Parsed(const DeliveryReport& report)
        : bytes(compose_delivery_status(report)), message(parse_message(bytes)) {
        BOOST_REQUIRE(message.root.parts.size() == 3U);
        BOOST_TEST(ImapGrammar::is_body(body_structure(message, true), true));
        // RFC 5322 section 2.1.1 and no bare LF.
        std::size_t line = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            BOOST_REQUIRE((bytes[i] != '\n' || (i > 0 && bytes[i - 1] == '\r')));
            line = bytes[i] == '\n' ? 0 : line + 1;
            BOOST_REQUIRE(line <= 999U);
        }
    }
    const Part& part(std::size_t i) const { return message.root.parts[i]; }
    std::string text() const { return decoded_text(message, part(0)); }
    std::string_view status() const { return part(1).body.of(bytes); }
    std::string_view returned() const { return part(2).body.of(bytes); }
    std::string field(std::string_view name) const { return message.header().value(name); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(delivery_status)

BOOST_AUTO_TEST_CASE(a_failure) {
    const Parsed parsed(a_report());
    BOOST_TEST(parsed.field("From") == "Mail delivery <MAILER-DAEMON@mx.a.example>");
    BOOST_TEST(parsed.field("To") == "<alice@a.example>");
    BOOST_TEST(parsed.field("Auto-Submitted") == "auto-replied");
    BOOST_TEST(parsed.field("In-Reply-To") == "<1@a.example>");
    BOOST_TEST(parsed.field("References") == "<1@a.example>");
    BOOST_TEST(parsed.field("Message-ID") == "<report-1@mx.a.example>");
    BOOST_TEST(parsed.field("Content-Transfer-Encoding") == "7bit");
    const Part& root = parsed.message.root;
    BOOST_TEST(root.is_type("multipart", "report"));
    BOOST_TEST(*find_parameter(root.parameters, "report-type") == "delivery-status");
    BOOST_TEST(parsed.part(1).is_type("message", "delivery-status"));
    BOOST_TEST(parsed.part(2).is_type("message", "rfc822"));
    BOOST_TEST(parsed.returned() == kOriginal);
    BOOST_TEST(parsed.status() ==
               "Original-Envelope-Id: Env+1\r\n"
               "Reporting-MTA: dns; mx.a.example\r\n"
               "Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
               "\r\n"
               "Original-Recipient: rfc822; Bob@b.example\r\n"
               "Final-Recipient: rfc822; bob@b.example\r\n"
               "Action: failed\r\n"
               "Status: 5.1.1\r\n"
               "Remote-MTA: dns; mx.b.example\r\n"
               "Diagnostic-Code: smtp; 550-5.1.1 no such 550 5.1.1 user\r\n"
               "Last-Attempt-Date: Thu, 1 Jan 1970 01:00:00 +0000\r\n"
               "Final-Log-ID: 0123456789ABC\r\n");
    BOOST_TEST(
        parsed.text().starts_with("Your message could not be delivered to the recipient below."));
    BOOST_TEST(parsed.text().find("  bob@b.example\r\n    There is no such address.") !=
               std::string::npos);
    BOOST_TEST(parsed.text().find("mx.b.example [192.0.2.1:25] answered: 550-5.1.1 no such") !=
               std::string::npos);
    BOOST_TEST(parsed.text().find("Subject of your message: lunch") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_delay_never_returns_the_body) {
    DeliveryReport report = a_report();
    report.recipients[0].action = Action::kDelayed;
    report.recipients[0].status = "4.4.1";
    const Parsed parsed(report);
    BOOST_TEST(parsed.part(2).is_type("text", "rfc822-headers"));
    BOOST_TEST(parsed.returned() ==
               "From: alice@a.example\r\nSubject: lunch\r\nMessage-ID: <1@a.example>\r\n");
    BOOST_TEST(parsed.status().find("Action: delayed\r\nStatus: 4.4.1\r\n") != std::string::npos);
    BOOST_TEST(parsed.status().ends_with("Will-Retry-Until: Thu, 1 Jan 1970 02:00:00 +0000\r\n"));
    BOOST_TEST(parsed.text().starts_with("Your message has not been delivered to the recipient"));
    BOOST_TEST(parsed.text().find("It will be tried until Thu, 1 Jan 1970 02:00:00 +0000.") !=
               std::string::npos);
    BOOST_TEST(parsed.field("Subject") == "Your message is delayed");
}

BOOST_AUTO_TEST_CASE(successes) {
    DeliveryReport report = a_report();
    report.recipients[0] = {
        .final_recipient = "bob@b.example", .action = Action::kDelivered, .status = "2.0.0"};
    report.recipients.push_back(
        {.final_recipient = "carol@c.example", .action = Action::kRelayed, .status = "2.0.0"});
    report.recipients.push_back(
        {.final_recipient = "list@a.example", .action = Action::kExpanded, .status = "2.0.0"});
    const Parsed parsed(report);
    BOOST_TEST(parsed.status().find("\r\n\r\nFinal-Recipient: rfc822; carol@c.example\r\n"
                                    "Action: relayed\r\n") != std::string::npos);
    BOOST_TEST(parsed.status().find("Action: expanded\r\n") != std::string::npos);
    BOOST_TEST(parsed.status().find("Diagnostic-Code") == std::string::npos);
    BOOST_TEST(parsed.status().find("Remote-MTA") == std::string::npos);
    BOOST_TEST(parsed.part(2).is_type("text", "rfc822-headers"));
    BOOST_TEST(parsed.field("Subject") == "Your message was delivered");
}

BOOST_AUTO_TEST_CASE(the_gravest_action_speaks_first) {
    DeliveryReport report = a_report();
    report.recipients.insert(
        report.recipients.begin(),
        {.final_recipient = "carol@c.example", .action = Action::kDelivered, .status = "2.0.0"});
    report.recipients.push_back(report.recipients.back());
    const Parsed parsed(report);
    BOOST_TEST(parsed.field("Subject") == "Your message could not be delivered");
    BOOST_TEST(parsed.text().starts_with(
        "Your message could not be delivered to the 2 recipients below."));
    BOOST_TEST(parsed.returned() == kOriginal);
}

BOOST_AUTO_TEST_CASE(an_original_with_eight_bits) {
    const std::string original =
        "Subject: caf\xC3\xA9\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xC3\xA4\r\n";
    DeliveryReport report = a_report();
    report.original = original;
    const Parsed parsed(report);
    BOOST_TEST(parsed.field("Content-Transfer-Encoding") == "8bit");
    BOOST_TEST(parsed.part(2).encoding == "8BIT");
    BOOST_TEST(parsed.returned() == original);
    BOOST_TEST(parsed.part(0).encoding == "QUOTED-PRINTABLE");
    BOOST_TEST(parsed.text().find("Subject of your message: caf\xC3\xA9") != std::string::npos);
    BOOST_TEST(parsed.field("In-Reply-To").empty());
    report.original = std::string_view(original).substr(0, original.find("\r\n\r\n") + 4);
    report.ret = ReturnContent::kHeaders;
    const Parsed headers(report);
    BOOST_TEST(headers.part(2).is_type("text", "rfc822-headers"));
    BOOST_TEST(headers.part(2).encoding == "8BIT");
}

// RFC 6533 section 3.
BOOST_AUTO_TEST_CASE(an_address_that_is_not_ascii) {
    DeliveryReport report = a_report();
    report.recipients[0].final_recipient =
        "j\xC3\xB6rg+x@b\xC3\xBC"
        "cher.example";
    const Parsed parsed(report);
    BOOST_TEST(parsed.status().find(
                   "Final-Recipient: utf-8; j\\x{F6}rg\\x{2B}x@b\\x{FC}cher.example\r\n") !=
               std::string::npos);
    BOOST_TEST(parsed.text().find("j\xC3\xB6rg+x@b\xC3\xBC"
                                  "cher.example") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_others_say_stays_in_its_field) {
    DeliveryReport report = a_report();
    report.envelope_id = "x\r\nAction: delivered";
    report.recipients[0].diagnostic =
        "550 no\r\n\r\nFinal-Recipient: rfc822; evil@c.example\xFF" + std::string(5000, 'y');
    report.recipients[0].final_recipient = "bob\r\n@b.example";
    const Parsed parsed(report);
    BOOST_TEST(parsed.status().find("\nAction: delivered") == std::string::npos);
    BOOST_TEST(parsed.status().find("\nFinal-Recipient: rfc822; evil") == std::string::npos);
    BOOST_TEST(parsed.status().find("evil@c.example?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_boundary_is_not_in_the_original) {
    DeliveryReport report = a_report();
    const Parsed first(report);
    // The same report about its own report.
    const std::string original = first.bytes;
    report.original = original;
    const Parsed second(report);
    BOOST_TEST(second.returned() == original);
    BOOST_TEST(*find_parameter(second.message.root.parameters, "boundary") !=
               *find_parameter(first.message.root.parameters, "boundary"));
}

BOOST_AUTO_TEST_CASE(nothing_of_the_original_at_hand) {
    DeliveryReport report = a_report();
    report.original = "";
    report.ret = ReturnContent::kHeaders;
    report.recipients[0].remote_mta.clear();
    const Parsed parsed(report);
    BOOST_TEST(parsed.returned().empty());
    BOOST_TEST(parsed.status().find("Diagnostic-Code: x-veredus; 550") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
