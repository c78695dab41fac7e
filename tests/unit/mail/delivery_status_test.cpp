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

std::string flat(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\r' || c == '\n';
        if (!blank) out += c;
        if (blank && !out.ends_with(' ')) out += ' ';
    }
    return out;
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
    std::string status() const { return decoded_body(message, part(1)); }
    std::string returned() const { return decoded_body(message, part(2)); }
    // Wherever its lines break.
    bool says(std::string_view words) const { return flat(text()).contains(flat(words)); }
    bool begins(std::string_view words) const { return flat(text()).starts_with(flat(words)); }
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
    BOOST_TEST(parsed.text() ==
               "Your message to bob@b.example could not be delivered.\r\n"
               "\r\n"
               "There is no such address.\r\n"
               "Please check its spelling, or ask the recipient for the right one.\r\n"
               "\r\n"
               "The details, as a postmaster needs them:\r\n"
               "\r\n"
               "  Subject of your message: lunch\r\n"
               "  Received here: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
               "  Known at mx.a.example as: 0123456789ABC\r\n"
               "\r\n"
               "  <bob@b.example>: 5.1.1\r\n"
               "    mx.b.example [192.0.2.1:25] answered:\r\n"
               "      550-5.1.1 no such 550 5.1.1 user\r\n"
               "\r\n"
               "Your message and a report for programs are attached.\r\n");
}

// What is said first, by the code (RFC 3463), and how it ends.
BOOST_AUTO_TEST_CASE(reasons_for_people) {
    DeliveryReport report = a_report();
    ReportedRecipient& bob = report.recipients[0];
    const std::pair<const char*, const char*> rows[] = {
        {"5.1.2", "There is no such domain, or it receives no mail.\r\n"},
        {"5.1.5", "The address was not accepted.\r\n"},
        {"5.1.8", "The domain of your own address is unknown to the recipient's mail"},
        {"4.4.7", "It could not be delivered in the time that was allowed for it."},
        {"5.5.3",
         "than the recipient's mail server\r\ntakes.\r\nPlease send it to fewer at a time."},
        {"5.2.2", "The recipient's mailbox is full.\r\nYou can send it again later"},
        {"5.3.4", "larger than the recipient's mail server takes.\r\nPlease send it in smaller"},
        {"5.7.1", "It was refused by the recipient's mail server, by rules of its own:"},
        {"5.7.2", "It is for a mailing list to which you may not write.\r\nPlease ask"},
        {"5.7.20", "cannot be sure\r\nthat mail from your address comes from your mail system."},
        {"5.7.25", "found no fitting name"},
        {"5.7.26", "who can mend that with SPF, DKIM and DMARC."},
        {"5.7.515", "cannot be sure\r\nthat mail from"},
        {"5.7.29", "by rules of its own:"},
        {"5.0.0", "It was refused by the recipient's mail server.\r\n"},
        {"nonsense", "It was refused by the recipient's mail server.\r\n"}};
    for (const auto& [status, words] : rows) {
        bob.status = status;
        BOOST_TEST(Parsed(report).says(words), status);
    }
    bob.remote_mta.clear();
    bob.diagnostic = "it pleased the administrator";
    bob.status = "5.7.0";
    const Parsed ours(report);
    BOOST_TEST(ours.says("It was refused by the mail system here.\r\n"));
    BOOST_TEST(ours.says("  <bob@b.example>: 5.7.0\r\n    it pleased the administrator\r\n"));
    bob.status = "";
    BOOST_TEST(Parsed(report).says("could not be delivered.\r\n\r\nThe details"));
}

// RFC 3464 sections 2.3.5, 2.3.6: another host's words are its own, ours are ours.
BOOST_AUTO_TEST_CASE(given_up_after_five_days_without_an_answer) {
    DeliveryReport report = a_report();
    report.date.unix_seconds = 5 * 86400 + 60;
    report.recipients[0].status = "4.4.1";
    report.recipients[0].diagnostic = "connect to mx.b.example[192.0.2.1]:25: Connection refused";
    const Parsed parsed(report);
    BOOST_TEST(
        parsed.says("The recipient's mail server could not be reached. It was tried for 5 "
                    "days, in\r\nvain.\r\nYou can send it again later"));
    BOOST_TEST(parsed.says("    connect to mx.b.example[192.0.2.1]:25: Connection refused\r\n"));
    BOOST_TEST(
        parsed.status().contains("Action: failed\r\nStatus: 4.4.1\r\nDiagnostic-Code: "
                                 "x-veredus; connect to mx.b.example[192.0.2.1]:25: "
                                 "Connection\r\n refused\r\nLast-Attempt-Date: "));
    BOOST_TEST(!parsed.status().contains("Remote-MTA"));
    BOOST_TEST(!parsed.says("may have arrived"));
    report.recipients[0].in_doubt = true;
    BOOST_TEST(Parsed(report).says("in vain. It may have arrived all the same: once"));
}

BOOST_AUTO_TEST_CASE(whom_the_sender_wrote_to_and_where_that_led) {
    DeliveryReport report = a_report();
    report.recipients[0].original_recipient = "rfc822;Team@a.example";
    BOOST_TEST(Parsed(report).begins(
        "Your message to Team@a.example (forwarded to bob@b.example) could not be\r\ndelivered."));
    report.recipients[0].original_recipient = "utf-8;j\\x{F6}rg@a.example";
    const Parsed wide(report);
    BOOST_TEST(wide.begins("Your message to j\xC3\xB6rg@a.example (forwarded to"));
    BOOST_TEST(wide.status().contains("Original-Recipient: utf-8; j\\x{F6}rg@a.example\r\n"));
    BOOST_TEST(wide.part(1).is_type("message", "delivery-status"));
    report.recipients[0].original_recipient = "x400;/C=de/S=bob";
    BOOST_TEST(Parsed(report).says("Your message to bob@b.example could not"));
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
    BOOST_TEST(
        parsed.begins("Your message to bob@b.example has not been delivered yet.\r\n"
                      "You need not do anything, and need not send it again. Delivery will be\r\n"
                      "tried until Thu, 1 Jan 1970 02:00:00 +0000.\r\n"
                      "\r\n"
                      "The recipient's mail server could not be reached.\r\n"
                      "\r\n"
                      "The details"));
    report.recipients[0].status = "4.7.1";
    BOOST_TEST(
        Parsed(report).says("It has not been taken yet by the recipient's mail server.\r\n"));
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
    BOOST_TEST(parsed.begins(
        "Your message to bob@b.example was delivered.\r\n\r\n"
        "Your message to carol@c.example was passed on to the recipient's mail\r\nserver.\r\n"
        "Mail servers that are reached this way do not report what becomes of\r\nit.\r\n\r\n"
        "Your message to list@a.example was passed on to the addresses which that\r\n"
        "one stands for.\r\n\r\n"));
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
    BOOST_TEST(parsed.begins("Your message could not be delivered to the 2 recipients below."));
    BOOST_TEST(parsed.returned() == kOriginal);
}

BOOST_AUTO_TEST_CASE(what_several_have_in_common_is_said_once) {
    DeliveryReport report = a_report();
    report.recipients = {{.final_recipient = "ann@b.example", .status = "5.1.1"},
                         {.final_recipient = "bob@b.example", .status = "5.2.2"},
                         {.final_recipient = "cyd@b.example", .status = "5.1.1"}};
    BOOST_TEST(Parsed(report).begins(
        "Your message could not be delivered to the 3 recipients below.\r\n\r\n"
        "  ann@b.example\r\n"
        "  cyd@b.example\r\n"
        "    There is no such address.\r\n"
        "    Please check its spelling, or ask the recipient for the right one.\r\n"
        "  bob@b.example\r\n"
        "    The recipient's mailbox is full.\r\n"));
}

BOOST_AUTO_TEST_CASE(an_original_with_eight_bits) {
    const std::string original =
        "Subject: caf\xC3\xA9\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xC3\xA4\r\n";
    DeliveryReport report = a_report();
    report.original = original;
    // RFC 6533 section 4.5: seven bits go anywhere.
    const Parsed parsed(report);
    BOOST_TEST(parsed.field("Content-Transfer-Encoding") == "7bit");
    BOOST_TEST(parsed.part(2).is_type("message", "global"));
    BOOST_TEST(parsed.part(2).encoding == "QUOTED-PRINTABLE");
    BOOST_TEST(parsed.returned() == original);
    BOOST_TEST(parsed.part(0).encoding == "QUOTED-PRINTABLE");
    BOOST_TEST(parsed.text().find("Subject of your message: caf\xC3\xA9") != std::string::npos);
    BOOST_TEST(parsed.field("In-Reply-To").empty());
    report.original = std::string_view(original).substr(0, original.find("\r\n\r\n") + 4);
    report.ret = ReturnContent::kHeaders;
    const Parsed headers(report);
    BOOST_TEST(headers.part(2).is_type("message", "global-headers"));
    BOOST_TEST(headers.part(2).encoding == "QUOTED-PRINTABLE");
    BOOST_TEST(headers.returned() + "\r\n" == report.original);
}

BOOST_AUTO_TEST_CASE(eight_bits_that_are_no_utf8_or_only_in_the_body) {
    DeliveryReport report = a_report();
    const std::string body = "Subject: a\r\n\r\n\xC3\xA4\r\n";
    report.original = body;
    const Parsed in_body(report);
    BOOST_TEST(in_body.field("Content-Transfer-Encoding") == "8bit");
    BOOST_TEST(in_body.part(2).is_type("message", "rfc822"));
    BOOST_TEST(in_body.part(2).encoding == "8BIT");
    BOOST_TEST(in_body.returned() == body);
    const std::string latin1 = "Subject: caf\xE9\r\n\r\n";
    report.original = latin1;
    report.ret = ReturnContent::kHeaders;
    const Parsed in_header(report);
    BOOST_TEST(in_header.field("Content-Transfer-Encoding") == "7bit");
    BOOST_TEST(in_header.part(2).is_type("text", "rfc822-headers"));
    BOOST_TEST(in_header.returned() == "Subject: caf\xE9\r\n");
}

// RFC 6533 section 4.1.
BOOST_AUTO_TEST_CASE(an_address_that_is_not_ascii) {
    DeliveryReport report = a_report();
    report.recipients[0].final_recipient =
        "j\xC3\xB6rg+x@b\xC3\xBC"
        "cher.example";
    report.recipients[0].original_recipient = "utf-8;j\\x{F6}rg\\x{2B}y@b.example";
    report.recipients[0].diagnostic = "550 5.1.1 j\xC3\xB6rg?";
    const Parsed parsed(report);
    BOOST_TEST(parsed.part(1).is_type("message", "global-delivery-status"));
    BOOST_TEST(parsed.field("Content-Transfer-Encoding") == "7bit");
    BOOST_TEST(
        parsed.status().contains("Original-Recipient: utf-8; j\xC3\xB6rg+y@b.example\r\n"
                                 "Final-Recipient: utf-8; j\xC3\xB6rg+x@b\xC3\xBC"
                                 "cher.example\r\n"));
    BOOST_TEST(parsed.status().contains("Diagnostic-Code: smtp; 550 5.1.1 j\xC3\xB6rg?\r\n"));
    BOOST_TEST(
        parsed.says("j\xC3\xB6rg+x@b\xC3\xBC"
                    "cher.example"));
}

// RFC 6533 section 3.
BOOST_AUTO_TEST_CASE(unitext) {
    const std::pair<const char*, const char*> rows[] = {
        {"bob@b.example", "bob@b.example"},
        {"j\\x{F6}rg@b", "j\xC3\xB6rg@b"},
        {"\\x{20AC}\\x{1F600}\\x{2B}\\x{5C}", "\xE2\x82\xAC\xF0\x9F\x98\x80+\\"},
        // Not of that syntax: as given.
        {"a\\b", "a\\b"},
        {"\\x{F6", "\\x{F6"},
        {"\\x{F}", "\\x{F}"},
        {"\\x{}", "\\x{}"},
        {"\\x{00}", "\\x{00}"},
        {"\\x{D800}", "\\x{D800}"},
        {"\\x{110000}", "\\x{110000}"},
        {"\\x{+6}", "\\x{+6}"},
        {"\\x{F6}\\", "\\x{F6}\\"}};
    for (const auto& [given, expected] : rows)
        BOOST_TEST(without_unitext(given) == expected, given);
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
