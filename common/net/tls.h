#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

// OpenSSL's own types, so that its headers stay out of ours.
struct ssl_ctx_st;
struct ssl_st;
struct bio_st;

namespace veredus::net {

class TlsError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

enum class TlsRole { server, client };

struct TlsFacts {
    std::string protocol;   // "TLSv1.3"
    std::string cipher;     // "TLS_AES_256_GCM_SHA384"
    int secret_bits = 0;    // of the cipher
    bool verified = false;  // client role: the chain and the name were good
    std::string problem;    // client role: why not
};

// A certificate with its key, or a set of trusted roots; shared by all connections.
class TlsContext {
  public:
    // Server: PEM files with the chain (leaf first) and the key. TLS 1.2 and up. Throws TlsError
    // naming the file.
    static TlsContext server(const std::string& certificate_path, const std::string& key_path);
    // The same of the files' texts.
    static TlsContext server_of_pem(const std::string& certificate, const std::string& key);
    // Client, opportunistic (RFC 7435): verifies and tells, refuses nothing. Roots from the
    // system's store where `roots_path` is empty. Reads files now, so it must be made before the
    // daemon locks itself in.
    static TlsContext client(const std::string& roots_path = {});

    TlsContext(TlsContext&&) noexcept = default;
    TlsContext& operator=(TlsContext&&) noexcept = default;
    ssl_ctx_st* get() const { return context_.get(); }

  private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
    std::unique_ptr<ssl_ctx_st, Free> context_;
};

// One connection's TLS as a function of bytes: ciphertext in, plaintext out, and the other way; no
// socket.
class TlsEngine {
  public:
    TlsEngine(TlsContext& context, TlsRole role, const std::string& server_name);
    ~TlsEngine();
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;

    // Goes on with the handshake; true when it is done. Throws TlsError.
    bool handshake();
    // Bytes from the peer.
    void receive(std::string_view ciphertext);
    // Appends what can be decrypted to `plaintext`; false once the peer has sent close_notify.
    // Throws TlsError.
    bool decrypt(std::string& plaintext);
    void encrypt(std::string_view plaintext);
    void close_notify();
    // What is to be sent to the peer, appended to `ciphertext`.
    void take_output(std::string& ciphertext);
    const TlsFacts& facts() const { return facts_; }

  private:
    void learn_facts();

    ssl_st* ssl_ = nullptr;
    bio_st* in_ = nullptr;   // owned by ssl_
    bio_st* out_ = nullptr;  // owned by ssl_
    TlsRole role_;
    bool named_ = false;
    TlsFacts facts_;
};

}  // namespace veredus::net
