#pragma once

#include <uv.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/loop.h"
#include "common/dns/resolver.h"

// libunbound's own type, so that its header stays out of ours.
struct ub_ctx;

namespace veredus::dns {

struct UnboundOptions {
    // Whom to ask: "192.0.2.1", "192.0.2.1:5353", "::1", "[::1]:5353". Empty: those of
    // /etc/resolv.conf, with /etc/hosts.
    std::vector<std::string> servers;
    // DNSKEY or DS records, one a line as in a zone file; empty: nothing is validated.
    std::string trust_anchors;
    async::Duration time_limit = std::chrono::seconds(30);  // of one question
};

// libunbound, set up: what it needs of files is read here, before a daemon locks itself in.
class UnboundContext {
  public:
    // Throws std::runtime_error with the reason, naming a server that is no address.
    explicit UnboundContext(const UnboundOptions& options);

    ub_ctx* get() const { return context_.get(); }
    async::Duration time_limit() const { return time_limit_; }

  private:
    struct Delete {
        void operator()(ub_ctx* context) const;
    };
    std::unique_ptr<ub_ctx, Delete> context_;
    async::Duration time_limit_;
};

// Asks through libunbound, which works in a thread of its own, started by the first question.
class UnboundResolver final : public Resolver {
  public:
    UnboundResolver(async::Loop& loop, UnboundContext context);
    // No question may be under way.
    ~UnboundResolver() override;

    async::Task<Answer<MxRecord>> mx(std::string name, async::Stop& stop) override;
    async::Task<Answer<std::string>> a(std::string name, async::Stop& stop) override;
    async::Task<Answer<std::string>> aaaa(std::string name, async::Stop& stop) override;
    async::Task<Answer<std::string>> ptr(std::string ip, async::Stop& stop) override;
    async::Task<Answer<std::string>> txt(std::string name, async::Stop& stop) override;

  private:
    class Question;

    template <class Record>
    async::Task<Answer<Record>> ask(std::string name, int type,
                                    std::optional<Record> (*read)(std::string_view),
                                    async::Stop& stop);

    async::Loop& loop_;
    UnboundContext context_;
    async::UvHandle<uv_poll_t> poll_;
};

// "192.0.2.1:5353" as libunbound writes it, "192.0.2.1@5353"; nothing if it names no server.
std::optional<std::string> unbound_address(const std::string& server);

}  // namespace veredus::dns
