#include <boost/test/unit_test.hpp>

#include "common/mail/header.h"
#include "common/mail/received.h"

using namespace veredus::mail;

BOOST_AUTO_TEST_SUITE(received)

BOOST_AUTO_TEST_CASE(from_another_host) {
    const ReceivedFacts facts{.helo = "client.example",
                              .client_name = "mail.client.example",
                              .client_address = "192.0.2.7",
                              .host = "mx.example.org",
                              .protocol = "ESMTPS",
                              .id = "0123456789ABC",
                              .recipient = "bob@example.org",
                              .tls_version = "TLSv1.3",
                              .tls_cipher = "TLS_AES_256_GCM_SHA384",
                              .date = {.unix_seconds = 0, .offset_minutes = 60}};
    BOOST_TEST(received_field(facts) ==
               "Received: from client.example (mail.client.example [192.0.2.7])\r\n"
               "\tby mx.example.org (Veredus) with ESMTPS\r\n"
               "\t(TLSv1.3 TLS_AES_256_GCM_SHA384) id 0123456789ABC\r\n"
               "\tfor <bob@example.org>;\r\n"
               "\tThu, 1 Jan 1970 01:00:00 +0100\r\n");
}

BOOST_AUTO_TEST_CASE(with_little_known) {
    const ReceivedFacts facts{
        .client_address = "2001:db8::1", .host = "mx.example.org", .protocol = "SMTP", .id = "1"};
    BOOST_TEST(received_field(facts) ==
               "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n"
               "\tby mx.example.org (Veredus) with SMTP id 1;\r\n"
               "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

BOOST_AUTO_TEST_CASE(from_a_program_here) {
    const ReceivedFacts facts{.uid = 1000, .host = "mx.example.org", .protocol = "", .id = "1"};
    BOOST_TEST(received_field(facts) ==
               "Received: by mx.example.org (Veredus, from userid 1000) id 1;\r\n"
               "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

BOOST_AUTO_TEST_CASE(what_a_client_says_stays_in_its_place) {
    const ReceivedFacts facts{.helo = "evil) by mx.example.org;\r\nX: y",
                              .client_address = "192.0.2.7",
                              .host = "mx.example.org",
                              .id = "1",
                              .recipient = "a\r\nb@c"};
    const std::string field = received_field(facts);
    BOOST_TEST(
        field.starts_with("Received: from evil??by?mx.example.org???X:?y ([192.0.2.7])\r\n"));
    BOOST_TEST(field.find("for <a??b@c>;") != std::string::npos);
    BOOST_TEST(Header::scan(field).fields().size() == 1U);
}

// RFC 3848, RFC 6531 section 4.3.
BOOST_AUTO_TEST_CASE(protocols) {
    BOOST_TEST(protocol_name(false, true, true) == "SMTP");
    BOOST_TEST(protocol_name(true, false, false) == "ESMTP");
    BOOST_TEST(protocol_name(true, true, false) == "ESMTPS");
    BOOST_TEST(protocol_name(true, false, true) == "ESMTPA");
    BOOST_TEST(protocol_name(true, true, true) == "ESMTPSA");
    BOOST_TEST(protocol_name(true, true, false, true) == "UTF8SMTPS");
    BOOST_TEST(protocol_name(true, true, true, true) == "UTF8SMTPSA");
}

BOOST_AUTO_TEST_CASE(counting) {
    BOOST_TEST(count_received("received: a\r\nX: b\r\nReceived: c\r\n d\r\n\r\nReceived: e\r\n") ==
               2U);
    BOOST_TEST(count_received("") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
