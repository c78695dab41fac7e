#pragma once

#include <string>

#include "common/async/scope.h"
#include "common/daemon/start.h"
#include "common/net/tls.h"

namespace veredus::daemon {

// The certificate that a daemon serves with, and the link on which a renewed one comes
// (common/ipc/certificate.h): once it serves a daemon needs no right to any file of keys.
class Certificate {
  public:
    // Reads what the configuration names, or what systemd has handed over. To be made before the
    // daemon locks itself in. A fault ends the process with EX_CONFIG and a sentence.
    explicit Certificate(Start& start);

    // For connections that begin TLS now.
    net::TlsContext& context() { return context_; }

    // Answers the link in `scope`.
    void serve(Env& env, async::Scope& scope);

  private:
    std::string daemon_;
    net::TlsContext context_;
};

}  // namespace veredus::daemon
