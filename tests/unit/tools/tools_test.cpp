#define BOOST_TEST_MODULE tools
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/veredus/certificate.h"
#include "tools/veredus/story.h"

using namespace veredus;

namespace {

class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& text) {
        std::string name = "/tmp/veredus-tools-XXXXXX";
        const int descriptor = mkstemp(name.data());
        BOOST_REQUIRE(descriptor >= 0);
        close(descriptor);
        path = name;
        std::ofstream(path) << text;
    }
    ~TemporaryFile() { std::filesystem::remove(path); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    std::filesystem::path path;
};

X509* certificate_of(const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    BOOST_REQUIRE(certificate != nullptr);
    return certificate;
}

// As a client does: X509_V_OK, or why not.
int verify(const NewCertificate& made, const std::string& host, const std::string& ip) {
    X509* authority = certificate_of(made.authority);
    X509* leaf = certificate_of(made.certificate);
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, authority);
    X509_STORE_CTX* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, leaf, nullptr);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    if (!host.empty()) X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0);
    if (!ip.empty()) X509_VERIFY_PARAM_set1_ip_asc(parameters, ip.c_str());
    X509_verify_cert(context);
    const int result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(leaf);
    X509_free(authority);
    return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_made_certificate_is_good_for_its_names_and_no_other) {
    const auto made = make_certificate({"mx.a.example", "localhost"}, {"127.0.0.1", "::1"});
    BOOST_TEST(verify(made, "mx.a.example", "") == X509_V_OK);
    BOOST_TEST(verify(made, "localhost", "") == X509_V_OK);
    BOOST_TEST(verify(made, "", "127.0.0.1") == X509_V_OK);
    BOOST_TEST(verify(made, "", "::1") == X509_V_OK);
    BOOST_TEST(verify(made, "mx.b.example", "") == X509_V_ERR_HOSTNAME_MISMATCH);
    BOOST_TEST(verify(made, "", "192.0.2.1") == X509_V_ERR_IP_ADDRESS_MISMATCH);
    const auto other = make_certificate({"mx.a.example"}, {});
    BOOST_TEST(verify({other.authority, made.certificate, made.key}, "", "") != X509_V_OK);
}

BOOST_AUTO_TEST_CASE(a_certificate_file_is_judged) {
    const auto made = make_certificate({"mx.a.example", "localhost"}, {"127.0.0.1"});
    const auto other = make_certificate({"mx.a.example"}, {});
    const TemporaryFile certificate(made.certificate);
    const TemporaryFile key(made.key);
    const TemporaryFile other_key(other.key);
    const CertificateFacts facts = read_certificate(certificate.path, key.path);
    BOOST_TEST(facts.matches_key);
    BOOST_TEST(facts.names == (std::vector<std::string>{"mx.a.example", "localhost"}),
               boost::test_tools::per_element());
    BOOST_TEST(facts.days_left >= 728);
    BOOST_TEST(facts.days_left <= 730);
    BOOST_TEST(!read_certificate(certificate.path, other_key.path).matches_key);
    BOOST_CHECK_THROW(read_certificate(key.path, key.path), std::runtime_error);
    BOOST_CHECK_THROW(read_certificate("/nonexistent", key.path), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_wildcard_covers_one_label) {
    BOOST_TEST(covers("mx.a.example", "mx.a.example"));
    BOOST_TEST(covers("*.a.example", "mx.a.example"));
    BOOST_TEST(!covers("*.a.example", "a.example"));
    BOOST_TEST(!covers("*.a.example", "x.mx.a.example"));
    BOOST_TEST(!covers("mx.a.example", "a.example"));
}

BOOST_AUTO_TEST_CASE(filters_are_words) {
    const auto id = mail::QueueId::make(1'700'000'000'000'000, 7);
    const auto other = mail::QueueId::make(1'700'000'000'000'001, 7);
    const auto ids = parse_filter({id.text(), other.text()});
    BOOST_TEST(ids.ids.size() == 2u);
    BOOST_TEST((ids.ids[0] == id));
    const auto mixed = parse_filter({"from=<>", "to=ann@", "domain=b.example"});
    BOOST_TEST(mixed.sender == "<>");
    BOOST_TEST(mixed.recipient == "ann@");
    BOOST_TEST(mixed.domain == "b.example");
    BOOST_TEST(parse_filter({"all"}).ids.empty());
    BOOST_CHECK_THROW(parse_filter({"ann@a.example"}), Failure);
    BOOST_CHECK_THROW(parse_filter({"all", "domain=b.example"}), Failure);
}

BOOST_AUTO_TEST_CASE(a_story_says_who_what_when_and_why) {
    setenv("TZ", "UTC", 1);
    tzset();
    ipc::admin::Row row;
    row.id = mail::QueueId::make(1'700'000'000'000'000, 7);
    row.state = "queued";
    row.sender = "ann@a.example";
    row.message_id = "<1@a.example>";
    row.size = 1234;
    row.arrived_us = 1'700'000'000'000'000;
    row.client = "mx.a.example[192.0.2.1]";
    row.protocol = "ESMTPS";
    row.recipients = {{.address = "bob@b.example",
                       .state = "in doubt",
                       .attempts = 1,
                       .next_attempt_us = 1'700'000'300'000'000}};
    row.history = {{.at_us = 1'700'000'001'000'000,
                    .address = "bob@b.example",
                    .state = "in doubt",
                    .status = "4.4.2",
                    .reply = "lost \x1b[2J connection",
                    .remote = "mx.b.example[192.0.2.2]:25",
                    .tls = "TLSv1.3"}};
    BOOST_TEST(story_text(story_of(row)) ==
               row.id.text() +
                   " queued\n"
                   "  from        <ann@a.example>\n"
                   "  message id  <1@a.example>\n"
                   "  size        1234 bytes\n"
                   "  received    2023-11-14 22:13:20 from mx.a.example[192.0.2.1] with ESMTPS\n"
                   "  to          <bob@b.example> in doubt, tried 1 time\n"
                   "              the connection broke after the final dot: it may have arrived; "
                   "the next attempt carries the same Message-ID\n"
                   "              next attempt at 2023-11-14 22:18:20\n"
                   "  2023-11-14 22:13:21  <bob@b.example> in doubt 4.4.2 after 1 s by "
                   "mx.b.example[192.0.2.2]:25 (TLSv1.3): lost ?[2J connection; the connection "
                   "broke after the final dot: it may have arrived; the next attempt carries the "
                   "same Message-ID\n");
}
