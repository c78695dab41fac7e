#pragma once

#include "common/accounts/resolver.h"
#include "common/daemon/certificate.h"
#include "common/daemon/env.h"
#include "common/ipc/account.h"
#include "common/ipc/request_link.h"
#include "common/smtp/server/policy.h"
#include "daemons/submitd/local_users.h"
#include "spool/intake/intake_client.h"

namespace veredus::submitd {

using VerifyLink = ipc::RequestLink<ipc::verify::Request, ipc::verify::Answer>;

// What both kinds of submission lean on.
struct Links {
    accounts::Resolver& resolver;
    VerifyLink& verify;
    intake::IntakeClient& queue;
};

// Both kinds send anywhere; recipients of our own domains must exist.
class SubmissionPolicy : public smtp::Policy {
  public:
    SubmissionPolicy(daemon::Env& env, Links links);

    const smtp::Domain& own_domain() const override { return own_; }
    async::Task<Refusal> rcpt(const smtp::Client& client, const smtp::Mailbox& recipient,
                              async::Stop& stop) override;
    std::unique_ptr<smtp::Sink> sink() override;
    bool queue_has_room() const override { return links_.queue.has_room(); }
    // After env.config has changed.
    void configure();

  protected:
    std::string completed(const smtp::ArrivedHeader& header, std::optional<std::string> from) const;

    daemon::Env& env_;
    Links links_;

  private:
    smtp::Domain own_;
};

// Ports 587 and 465: users who log in and send under their own addresses.
class UserPolicy final : public SubmissionPolicy {
  public:
    UserPolicy(daemon::Env& env, Links links, daemon::Certificate& certificate);

    net::TlsContext* tls() override { return &certificate_.context(); }
    bool offers_auth() const override { return true; }
    async::Task<LoginResult> log_in(const smtp::Client& client, std::string user,
                                    std::string password, async::Stop& stop) override;
    async::Task<Refusal> mail(const smtp::Client& client, const smtp::MailArguments& mail,
                              async::Stop& stop) override;
    async::Task<std::expected<std::string, smtp::Answer>> header(const smtp::Client& client,
                                                                 const smtp::ArrivedHeader& header,
                                                                 async::Stop& stop) override;

  private:
    daemon::Certificate& certificate_;
};

// The UNIX socket: programs of this host, known by their uid. They send under any address, as
// programs do that speak for others; the log says who it was.
class ProgramPolicy final : public SubmissionPolicy {
  public:
    ProgramPolicy(daemon::Env& env, Links links, const LocalUsers& users);

    net::TlsContext* tls() override { return nullptr; }
    const smtp::Domain* qualify_with() const override { return &own_domain(); }
    std::string program_user(unsigned uid) const override;
    async::Task<Refusal> mail(const smtp::Client& client, const smtp::MailArguments& mail,
                              async::Stop& stop) override;
    async::Task<std::expected<std::string, smtp::Answer>> header(const smtp::Client& client,
                                                                 const smtp::ArrivedHeader& header,
                                                                 async::Stop& stop) override;
    std::expected<std::unique_ptr<smtp::QueueListing>, smtp::Answer> list_queue() override;

  private:
    const LocalUsers& users_;
};

}  // namespace veredus::submitd
