#define BOOST_TEST_MODULE tools
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/veredus/certificate.h"
#include "tools/veredus/story.h"
#include "tools/veredus/top_screen.h"

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
    const CertificatePair facts = read_certificate(certificate.path, key.path);
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

BOOST_AUTO_TEST_CASE(a_filter_that_is_no_filter_is_a_usage_error) {
    BOOST_TEST(parse_filter({"all"}).all());
    BOOST_TEST(parse_filter({"from=ann", "older=1h"}).terms.size() == 2U);
    try {
        static_cast<void>(parse_filter({"form=ann"}));
        BOOST_ERROR("not refused");
    } catch (const Failure& failure) {
        BOOST_TEST(failure.status == EX_USAGE);
        BOOST_TEST(std::string(failure.what()).contains("did you mean from=?"));
    }
}

BOOST_AUTO_TEST_CASE(a_message_of_many_rows_is_put_together) {
    std::vector<std::string> taken;
    const AdminLink::TakeRow take = [&](const ipc::admin::Row& row) {
        taken.push_back(row.sender + ":");
        for (const auto& recipient : row.recipients)
            taken.back() += recipient.address;
        for (const auto& event : row.history)
            taken.back() += event.reply;
    };
    RowJoiner joiner(take);
    joiner.add({.sender = "one", .recipients = {{.address = "a"}}});
    joiner.add({.continued = true, .sender = "two", .recipients = {{.address = "b"}}});
    joiner.add({.continued = true, .recipients = {{.address = "c"}}});
    joiner.add({.continued = true, .recipients = {{.address = "d"}}, .history = {{.reply = "1"}}});
    joiner.add({.history = {{.reply = "2"}}});
    joiner.add({.sender = "three", .recipients = {{.address = "e"}}});
    BOOST_TEST(taken == (std::vector<std::string>{"one:a", "two:bcd12", "three:e"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(top_shows_rates_between_two_moments) {
    Moment before;
    before.flow = {.at_us = 1'000'000'000'000, .accepted = 10, .delivered = 5};
    Moment now;
    now.flow = {.at_us = 1'000'002'000'000,
                .accepted = 30,
                .delivered = 5,
                .relayed = 3,
                .oldest_us = 1'000'002'000'000 - 7'200'000'000,
                .destinations = {{.name = "[192.0.2.1]:25",
                                  .active = 3,
                                  .most = 20,
                                  .waiting = 7,
                                  .last_error = "450 \x1b[2J later"}}};
    now.depth = {.messages = 9, .bytes = 1000, .active = 3, .deferred = 2, .held = 1};
    const auto screen = top_screen(before, now, 100, 100);
    BOOST_TEST(screen.starts_with("per second   accepted 10.0  delivered 0.0  relayed 1.5  "));
    BOOST_TEST(screen.contains("\nsince start  accepted 30  delivered 5  relayed 3  "));
    BOOST_TEST(
        screen.contains("\nqueue        9 messages  1000 bytes  3 active  2 deferred  1 held\n"));
    BOOST_TEST(screen.contains("\noldest       2 h\n"));
    BOOST_TEST(
        screen.contains("\n[192.0.2.1]:25                      3    20        7  "
                        "450 ?[2J later\n"));
    const auto small = top_screen(before, now, 2, 20);
    BOOST_TEST(small == "per second   accepte\nsince start  accepte\n");
    const auto json = top_json(before, now);
    BOOST_TEST(json.contains("\"accepted\":10.0"));
    BOOST_TEST(json.contains("\"last_error\":\"450 \\u001b[2J later\""));
    // queued was started anew: its counters are.
    now.flow.accepted = 2;
    BOOST_TEST(top_screen(before, now, 1, 80).starts_with("per second   accepted 0.0"));
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
                   "              the last attempt ended in doubt; the next attempt is due: it "
                   "waits for its turn at this destination\n"
                   "  2023-11-14 22:13:21  <bob@b.example> in doubt 4.4.2 after 1 s by "
                   "mx.b.example[192.0.2.2]:25 (TLSv1.3): lost ?[2J connection\n");
}
