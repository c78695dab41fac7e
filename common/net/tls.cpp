#include "common/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "common/net/openssl.h"

namespace veredus::net {
namespace {

std::string last_error(const std::string& what) {
    std::string out = what;
    char text[256];
    if (const auto code = ERR_get_error(); code != 0) {
        ERR_error_string_n(code, text, sizeof text);
        const char* reason = ERR_reason_error_string(code);
        out += ": ";
        out += reason != nullptr ? reason : text;
    }
    ERR_clear_error();
    return out;
}

SSL_CTX* make_context(const SSL_METHOD* method) {
    SSL_CTX* context = SSL_CTX_new(method);
    if (context == nullptr) throw TlsError(last_error("cannot set up TLS"));
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    return context;
}

using openssl::Bio;
using openssl::bio_of;
using openssl::Certificate;
using openssl::Key;

std::string text_of(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) throw TlsError(path + " cannot be read: " + std::generic_category().message(errno));
    return {std::istreambuf_iterator<char>(file), {}};
}

bool numeric(const std::string& host) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

TlsContext TlsContext::server(const std::string& certificate_path, const std::string& key_path) {
    const std::string certificate = text_of(certificate_path);
    const std::string key = text_of(key_path);
    try {
        return server_of_pem(certificate, key);
    } catch (const TlsError& error) {
        throw TlsError(certificate_path + " and " + key_path + ": " + error.what());
    }
}

TlsContext TlsContext::server_of_pem(const std::string& certificate, const std::string& key) {
    TlsContext out(make_context(TLS_server_method()));
    SSL_CTX* context = out.get();
    const Bio chain = bio_of(certificate);
    const Certificate leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
        throw TlsError(last_error("the certificate cannot be used"));
    while (X509* issuer = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
        if (SSL_CTX_add0_chain_cert(context, issuer) != 1) {
            X509_free(issuer);
            throw TlsError(last_error("the certificate's chain cannot be used"));
        }
    // What ends the loop is that there is no more, or else damage.
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        throw TlsError(last_error("the certificate's chain cannot be used"));
    ERR_clear_error();
    const Bio key_text = bio_of(key);
    const auto no_password = [](char*, int, int, void*) { return 0; };
    const Key private_key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_password, nullptr));
    if (!private_key) throw TlsError(last_error("the key cannot be used"));
    if (SSL_CTX_use_PrivateKey(context, private_key.get()) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        throw TlsError(last_error("the key does not belong to the certificate"));
    // Sessions are resumed by tickets alone: no memory here grows with the number of clients.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return out;
}

TlsContext TlsContext::client(const std::string& roots_path) {
    TlsContext out(make_context(TLS_client_method()));
    SSL_CTX* context = out.get();
    const int loaded = roots_path.empty() ? SSL_CTX_set_default_verify_paths(context)
                                          : SSL_CTX_load_verify_file(context, roots_path.c_str());
    if (loaded != 1) throw TlsError(last_error("cannot read the trusted roots " + roots_path));
    // The chain is checked and the result kept; opportunistic TLS goes on without it.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    return out;
}

TlsEngine::TlsEngine(TlsContext& context, TlsRole role, const std::string& server_name)
    : ssl_(SSL_new(context.get())),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())),
      role_(role) {
    if (ssl_ == nullptr || in_ == nullptr || out_ == nullptr)
        throw TlsError("out of memory for TLS");
    SSL_set_bio(ssl_, in_, out_);
    if (role_ == TlsRole::server) {
        SSL_set_accept_state(ssl_);
        return;
    }
    SSL_set_connect_state(ssl_);
    if (server_name.empty()) return;
    named_ = true;
    if (numeric(server_name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), server_name.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl_, server_name.c_str());
        SSL_set1_host(ssl_, server_name.c_str());
    }
}

TlsEngine::~TlsEngine() {
    SSL_free(ssl_);
}

bool TlsEngine::handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (done == 1) {
        learn_facts();
        return true;
    }
    const int why = SSL_get_error(ssl_, done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
    throw TlsError(last_error("TLS handshake failed"));
}

void TlsEngine::learn_facts() {
    facts_.protocol = SSL_get_version(ssl_);
    const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_);
    facts_.cipher = SSL_CIPHER_get_name(cipher);
    facts_.secret_bits = SSL_CIPHER_get_bits(cipher, nullptr);
    if (role_ == TlsRole::server) return;
    const long verdict = SSL_get_verify_result(ssl_);
    facts_.verified = named_ && verdict == X509_V_OK;
    if (verdict != X509_V_OK) facts_.problem = X509_verify_cert_error_string(verdict);
}

void TlsEngine::receive(std::string_view ciphertext) {
    BIO_write(in_, ciphertext.data(), static_cast<int>(ciphertext.size()));
}

bool TlsEngine::decrypt(std::string& plaintext) {
    char block[16 * 1024];
    for (;;) {
        ERR_clear_error();
        const int got = SSL_read(ssl_, block, sizeof block);
        if (got > 0) {
            plaintext.append(block, static_cast<std::size_t>(got));
            continue;
        }
        switch (SSL_get_error(ssl_, got)) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE:
                return true;
            case SSL_ERROR_ZERO_RETURN:
                return false;
            default:
                throw TlsError(last_error("TLS failed"));
        }
    }
}

void TlsEngine::encrypt(std::string_view plaintext) {
    while (!plaintext.empty()) {
        ERR_clear_error();
        const auto chunk = plaintext.substr(0, std::size_t{1} << 30);
        const int put = SSL_write(ssl_, chunk.data(), static_cast<int>(chunk.size()));
        if (put <= 0) throw TlsError(last_error("TLS failed"));
        plaintext.remove_prefix(static_cast<std::size_t>(put));
    }
}

void TlsEngine::close_notify() {
    ERR_clear_error();
    SSL_shutdown(ssl_);
}

void TlsEngine::take_output(std::string& ciphertext) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(out_, &data);
    if (length <= 0) return;
    ciphertext.append(data, static_cast<std::size_t>(length));
    BIO_reset(out_);
}

}  // namespace veredus::net
