#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/unit/daemons/relayd/world.h"

using namespace veredus;
using namespace veredus::relayd_test;
using namespace std::chrono_literals;

namespace {

using Strings = std::vector<std::string>;

// A server's TLS with a self-signed certificate, made in a directory that is gone at once.
net::TlsContext self_signed() {
    char name[] = "/tmp/veredus-relayd-XXXXXX";
    const std::filesystem::path directory = ::mkdtemp(name);
    const std::string pem = directory / "cert.pem", key = directory / "key.pem";
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, pair);
    X509_sign(certificate, pair, EVP_sha256());
    FILE* out = std::fopen(pem.c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    out = std::fopen(key.c_str(), "w");
    PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(pair);
    auto context = net::TlsContext::server(pem, key);
    std::filesystem::remove_all(directory);
    return context;
}

// b.example with one host that offers STARTTLS, and a smarthost elsewhere and on the loopback.
struct Secure : World {
    net::TlsContext server_tls = self_signed();
    FakeHost& host = hosts["192.0.2.1:25"];
    FakeHost& smarthost = hosts["192.0.2.1:587"];
    FakeHost& local = hosts["127.0.0.1:587"];

    Secure() {
        resolver.add_a("b.example", "192.0.2.1");
        host.extensions = {"STARTTLS", "PIPELINING"};
        host.tls = smarthost.tls = &server_tls;
        smarthost.extensions = {"STARTTLS", "AUTH PLAIN LOGIN"};
        local.extensions = {"AUTH LOGIN PLAIN"};
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls, Secure)

BOOST_AUTO_TEST_CASE(is_used_when_offered) {
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(outcomes[0].tls.starts_with("TLSv1.3 TLS_"));
    BOOST_TEST(outcomes[0].tls.ends_with(" not verified"));
    const Strings expected = {"EHLO relay.example",    "STARTTLS",
                              "EHLO relay.example",    "MAIL FROM:<alice@a.example>",
                              "RCPT TO:<a@b.example>", "DATA"};
    BOOST_TEST(host.commands == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_offered_before_it_does_not_count) {
    // The second EHLO offers nothing: no pipelining, no STARTTLS once more.
    host.answers["EHLO"] = {"", "250 mx.example"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(std::ranges::count(host.commands, "STARTTLS") == 1);
}

BOOST_AUTO_TEST_CASE(a_failed_handshake_leads_to_the_same_host_without) {
    host.tls = nullptr;
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(outcomes[0].tls.empty());
    BOOST_TEST(host.connections == 2);
    BOOST_TEST(log_lines[0].find("TLS with b.example[192.0.2.1]:25 failed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_offer_taken_back_goes_on_without) {
    host.answers["STARTTLS"] = {"454 4.7.0 not now"};
    deliver("b.example", {"a@b.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(outcomes[0].tls.empty());
    BOOST_TEST(host.connections == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(authentication, Secure)

BOOST_AUTO_TEST_CASE(plain_under_tls) {
    deliver("user:secret@[192.0.2.1]:587", {"a@c.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    BOOST_TEST(smarthost.commands[3] == "AUTH PLAIN AHVzZXIAc2VjcmV0");
    BOOST_TEST(!outcomes[0].tls.empty());
}

BOOST_AUTO_TEST_CASE(login_on_the_loopback) {
    local.extensions = {"AUTH=LOGIN"};
    local.answers["AUTH"] = {"334 VXNlcm5hbWU6"};
    local.answers["dXNlcg=="] = {"334 UGFzc3dvcmQ6"};
    local.answers["c2VjcmV0"] = {"235 2.7.0 welcome"};
    deliver("user:secret@[127.0.0.1]:587", {"a@c.example"});
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
}

// RFC 4954 section 4: "*" ends an exchange that asks for more than the mechanism has.
BOOST_AUTO_TEST_CASE(a_host_that_goes_on_asking_is_told_to_stop) {
    local.extensions = {"AUTH PLAIN"};
    local.answers["AUTH"] = {"334 bW9yZQ=="};
    local.answers["*"] = {"501 5.7.0 cancelled"};
    deliver("user:secret@[127.0.0.1]:587", {"a@c.example"});
    BOOST_TEST(outcomes[0].status == "4.7.8");
    BOOST_TEST(std::ranges::count(local.commands, "*") == 1);
}

BOOST_AUTO_TEST_CASE(a_password_never_goes_in_the_clear) {
    smarthost.extensions = {"AUTH PLAIN"};
    deliver("user:secret@[192.0.2.1]:587", {"a@c.example"});
    BOOST_REQUIRE(outcomes.size() == 1U);
    BOOST_TEST(outcomes[0].status == "4.7.11");
    // Nor after a handshake that somebody in between made fail.
    smarthost.extensions = {"STARTTLS", "AUTH PLAIN"};
    smarthost.tls = nullptr;
    deliver("user:secret@[192.0.2.1]:587", {"a@c.example"});
    BOOST_TEST(outcomes[1].status == "4.7.11");
    for (const std::string& command : smarthost.commands)
        BOOST_TEST(!command.starts_with("AUTH"));
}

BOOST_AUTO_TEST_CASE(a_refused_login_defers_and_names_no_password) {
    local.answers["AUTH"] = {"535 5.7.8 wrong"};
    deliver("user:secret@[127.0.0.1]:587", {"a@c.example"});
    BOOST_TEST(verdicts() ==
               "1: deferred 4.7.8 127.0.0.1[127.0.0.1]:587 refuses our login: 535 5.7.8 wrong\n");
    for (const std::string& line : log_lines)
        BOOST_TEST(line.find("secret") == std::string::npos);
    outcomes.clear();
    local.extensions = {"AUTH GSSAPI"};
    deliver("user:secret@[127.0.0.1]:587", {"a@c.example"});
    BOOST_TEST(outcomes[0].status == "4.7.0");
}

BOOST_AUTO_TEST_CASE(a_login_that_the_configuration_has_not_yet_is_waited_for) {
    auto job = a_job("user:secret@[127.0.0.1]:587", {"a@c.example"});
    BOOST_TEST(job.next_hop == "user:***@[127.0.0.1]:587");
    const auto changed = std::exchange(config.routes, {});
    deliver(job);
    BOOST_TEST(outcomes.empty());
    config.routes = changed;
    advance(std::chrono::seconds(1));
    BOOST_TEST(verdicts() == "1: delivered 2.0.0 250 2.0.0 queued\n");
    config.routes.clear();
    outcomes.clear();
    deliver(job);
    advance(std::chrono::seconds(3));
    BOOST_TEST(verdicts() ==
               "1: deferred 4.3.5 the configuration has no password of user at 127.0.0.1\n");
}

BOOST_AUTO_TEST_CASE(connections_of_other_users_are_not_shared) {
    deliver("user:secret@[127.0.0.1]:587", {"a@c.example"});
    deliver("other:secret@[127.0.0.1]:587", {"a@c.example"});
    deliver("[127.0.0.1]:587", {"a@c.example"});
    BOOST_TEST(local.connections == 3);
}

BOOST_AUTO_TEST_SUITE_END()
