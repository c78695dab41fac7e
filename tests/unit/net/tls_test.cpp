#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/net/stream.h"

using namespace veredus;
using namespace veredus::net;

namespace {

// A self-signed certificate for mx.example.org in a directory of its own.
struct Certificate {
    std::filesystem::path directory;
    std::string pem;
    std::string key;

    Certificate() {
        char name[] = "/tmp/veredus-tls-XXXXXX";
        directory = ::mkdtemp(name);
        pem = directory / "cert.pem";
        key = directory / "key.pem";
        EVP_PKEY* pair = EVP_EC_gen("P-256");
        X509* certificate = X509_new();
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, pair);
        X509_NAME* subject = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("mx.example.org"), -1, -1,
                                   0);
        X509_set_issuer_name(certificate, subject);
        X509_sign(certificate, pair, EVP_sha256());
        FILE* out = std::fopen(pem.c_str(), "w");
        PEM_write_X509(out, certificate);
        std::fclose(out);
        out = std::fopen(key.c_str(), "w");
        PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(out);
        X509_free(certificate);
        EVP_PKEY_free(pair);
    }
    ~Certificate() { std::filesystem::remove_all(directory); }
};

struct Outcome {
    std::string server_read;
    std::string client_read;
    TlsFacts client_facts;
};

Outcome converse(const Certificate& certificate, const std::string& name) {
    async::RealClock clock;
    Loop loop(clock);
    Stop stop;
    int pair[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    auto server_context = TlsContext::server(certificate.pem, certificate.key);
    auto client_context = TlsContext::client(certificate.pem);
    Outcome outcome;
    const auto body = [&](async::Scope& scope) -> Task<> {
        scope.spawn([&]() -> Task<> {
            Stream server(loop, Descriptor(pair[0]), stop);
            co_await server.write("220 go ahead\r\n");
            co_await server.start_tls(server_context, TlsRole::server);
            const auto line = co_await server.read_line(1000);
            outcome.server_read = line->text;
            co_await server.write(std::string(1 << 20, 'q') + "\r\n");
            co_await server.shutdown();
        });
        scope.spawn([&]() -> Task<> {
            Stream client(loop, Descriptor(pair[1]), stop);
            co_await client.read_line(100);
            co_await client.start_tls(client_context, TlsRole::client, name);
            outcome.client_facts = client.tls();
            co_await client.write("hello under TLS\r\n");
            const auto line = co_await client.read_line(2 << 20);
            outcome.client_read = line->text;
            const auto end = co_await client.read_line(10);
            BOOST_TEST(!end);
        });
        co_return;
    };
    loop.run(async::with_scope(loop, stop, body));
    return outcome;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(lines_pass_both_ways_and_the_facts_are_known) {
    const Certificate certificate;
    const Outcome outcome = converse(certificate, "mx.example.org");
    BOOST_TEST(outcome.server_read == "hello under TLS");
    BOOST_TEST(outcome.client_read.size() == std::size_t(1 << 20));
    BOOST_TEST(outcome.client_facts.protocol == "TLSv1.3");
    BOOST_TEST(outcome.client_facts.verified);
}

BOOST_AUTO_TEST_CASE(a_wrong_name_is_told_and_not_refused) {
    const Certificate certificate;
    const Outcome outcome = converse(certificate, "other.example.net");
    BOOST_TEST(outcome.server_read == "hello under TLS");
    BOOST_TEST(!outcome.client_facts.verified);
    BOOST_TEST(!outcome.client_facts.problem.empty());
}

BOOST_AUTO_TEST_CASE(a_missing_key_is_named) {
    const Certificate certificate;
    try {
        TlsContext::server(certificate.pem, "/nowhere/key.pem");
        BOOST_ERROR("no error");
    } catch (const TlsError& error) {
        BOOST_TEST(std::string(error.what()).contains("/nowhere/key.pem"));
    }
}

BOOST_AUTO_TEST_CASE(plaintext_instead_of_tls_is_an_error) {
    const Certificate certificate;
    auto context = TlsContext::server(certificate.pem, certificate.key);
    TlsEngine engine(context, TlsRole::server, "");
    engine.receive("EHLO injected.example\r\n");
    BOOST_CHECK_THROW(engine.handshake(), TlsError);
}

BOOST_AUTO_TEST_SUITE_END()
