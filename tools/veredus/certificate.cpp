#include "tools/veredus/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "common/net/openssl.h"
#include "tools/veredus/owner.h"

namespace veredus {
namespace {

using net::openssl::Bio;
using net::openssl::bio_of;
using net::openssl::Certificate;
using net::openssl::Free;
using net::openssl::Key;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

constexpr long kSecondsPerDay = 24 * 3600;
constexpr long kDays = 2 * 365;
// Clocks differ: it is good already for who is late by a day.
constexpr long kSecondsBefore = -kSecondsPerDay;

void need(bool good, const char* what) {
    if (!good)
        throw std::runtime_error(std::string("OpenSSL: ") + what + ": " +
                                 ERR_error_string(ERR_get_error(), nullptr));
}

Key make_key() {
    Key key(EVP_EC_gen("P-256"));
    need(key != nullptr, "making a key");
    return key;
}

void add_extension(X509& certificate, X509& issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    need(extension && X509_add_ext(&certificate, extension.get(), -1) == 1, value.c_str());
}

// RFC 5280 4.1.2.2: positive, at most 20 octets.
void set_serial(X509& certificate) {
    std::array<unsigned char, 16> random{};
    need(RAND_bytes(random.data(), random.size()) == 1, "random number");
    random[0] = static_cast<unsigned char>((random[0] & 0x7F) | 0x40);
    BIGNUM* number = BN_bin2bn(random.data(), random.size(), nullptr);
    need(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(&certificate)), "serial");
    BN_free(number);
}

// Without its extensions and its signature.
Certificate make_unsigned(EVP_PKEY& key, const std::string& common_name) {
    Certificate certificate(X509_new());
    need(certificate != nullptr, "certificate");
    X509_set_version(certificate.get(), X509_VERSION_3);
    set_serial(*certificate);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), kSecondsBefore);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDays * kSecondsPerDay);
    X509_set_pubkey(certificate.get(), &key);
    // RFC 5280, upper bound of a common name: 64 characters.
    const std::string name = common_name.substr(0, 64);
    need(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1,
         "name");
    return certificate;
}

void sign(X509& certificate, X509& issuer, EVP_PKEY& issuer_key) {
    X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer));
    need(X509_sign(&certificate, &issuer_key, EVP_sha256()) > 0, "signing");
}

std::string pem(const std::function<int(BIO*)>& write) {
    const Bio bio(BIO_new(BIO_s_mem()));
    need(bio && write(bio.get()) == 1, "writing PEM");
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(length)};
}

std::string pem_of(X509& certificate) {
    return pem([&](BIO* bio) { return PEM_write_bio_X509(bio, &certificate); });
}

std::string subject_names(const std::vector<std::string>& names,
                          const std::vector<std::string>& addresses) {
    std::string all;
    for (const std::string& name : names)
        all += (all.empty() ? "DNS:" : ",DNS:") + name;
    for (const std::string& address : addresses)
        all += ",IP:" + address;
    return all;
}

std::string text_of(const std::filesystem::path& path) {
    std::string text;
    int error = 0;
    as_root([&] {
        errno = 0;
        std::ifstream file(path, std::ios::binary);
        if (!file) error = errno;
        text.assign(std::istreambuf_iterator<char>(file), {});
    });
    if (error != 0)
        throw std::runtime_error(path.string() + ": " + std::generic_category().message(error));
    return text;
}

}  // namespace

NewCertificate make_certificate(const std::vector<std::string>& names,
                                const std::vector<std::string>& addresses) {
    const Key authority_key = make_key();
    const Certificate authority =
        make_unsigned(*authority_key, "Veredus authority of " + names.at(0));
    add_extension(*authority, *authority, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(*authority, *authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(*authority, *authority, NID_subject_key_identifier, "hash");
    sign(*authority, *authority, *authority_key);

    const Key key = make_key();
    const Certificate certificate = make_unsigned(*key, names.at(0));
    add_extension(*certificate, *authority, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*certificate, *authority, NID_key_usage, "critical,digitalSignature");
    add_extension(*certificate, *authority, NID_ext_key_usage, "serverAuth");
    add_extension(*certificate, *authority, NID_subject_key_identifier, "hash");
    add_extension(*certificate, *authority, NID_authority_key_identifier, "keyid:always");
    add_extension(*certificate, *authority, NID_subject_alt_name, subject_names(names, addresses));
    sign(*certificate, *authority, *authority_key);

    const std::string authority_pem = pem_of(*authority);
    return {authority_pem, pem_of(*certificate) + authority_pem, pem([&](BIO* bio) {
                return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr,
                                                nullptr);
            })};
}

CertificatePair read_certificate(const std::filesystem::path& certificate_path,
                                 const std::filesystem::path& key_path) {
    CertificatePair pair{.certificate = text_of(certificate_path), .key = text_of(key_path)};
    const Bio certificate_text = bio_of(pair.certificate);
    const Certificate certificate(
        PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
    if (!certificate)
        throw std::runtime_error(certificate_path.string() + ": there is no certificate in it");
    const Bio key_text = bio_of(pair.key);
    const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    if (!key) throw std::runtime_error(key_path.string() + ": there is no private key in it");

    pair.matches_key = X509_check_private_key(certificate.get(), key.get()) == 1;
    const ASN1_TIME* end = X509_get0_notAfter(certificate.get());
    int days = 0;
    int seconds = 0;
    std::tm date{};
    need(ASN1_TIME_diff(&days, &seconds, nullptr, end) == 1 && ASN1_TIME_to_tm(end, &date) == 1,
         "date");
    pair.days_left = seconds < 0 ? days - 1 : days;
    pair.good_until =
        fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
    const Names names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) continue;
        pair.names.emplace_back(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
    return pair;
}

std::string CertificatePair::fault() const {
    if (!matches_key) return "it does not belong to its key";
    if (days_left < 0) return "it has expired";
    return {};
}

bool covers(const std::string& certificate_name, const std::string& host) {
    if (!certificate_name.starts_with("*.")) return certificate_name == host;
    const auto dot = host.find('.');
    return dot != std::string::npos && dot > 0 && host.substr(dot) == certificate_name.substr(1);
}

}  // namespace veredus
