#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/ipc/intake.h"
#include "common/mail/header.h"
#include "common/net/address.h"
#include "common/net/tls.h"
#include "common/smtp/command.h"
#include "common/smtp/replies.h"

namespace veredus::smtp {

// Who is at the other end of a session, as far as is known yet.
struct Client {
    net::Address address;
    std::optional<unsigned> uid;  // of a program on this host, over the UNIX socket
    std::string program_user;     // its user's name, "uid=1000" where it has none
    std::string helo;             // empty before HELO or EHLO
    bool extended = false;        // EHLO
    std::string user;             // canonical address once logged in; empty before
    std::string mechanism;        // he logged in with
    std::optional<net::TlsFacts> tls;

    bool local() const { return uid.has_value(); }
    // "localhost[127.0.0.1]", "unknown[192.0.2.1]", "local[uid=1000]": the log's name for it.
    std::string log_name() const;
    mail::ClientFacts facts() const;
};

// A message on its way in, from MAIL to the answer after DATA.
struct Transaction {
    mail::QueueId id;  // from the first accepted recipient on
    MailArguments mail;
    std::vector<ipc::intake::Recipient> recipients;
    std::string message_id;
    std::int32_t priority = 0;  // RFC 6710
};

// Where a message's bytes go.
class Sink {
  public:
    struct Verdict {
        bool accepted = false;  // on disk
        std::string status;     // otherwise: RFC 3463
        std::string text;
    };
    virtual ~Sink() = default;
    // Never waits. When full() says so afterwards, make_room() is awaited before the next write.
    virtual void write(std::string_view bytes) = 0;
    virtual bool full() const = 0;
    virtual async::Task<> make_room(async::Stop& stop) = 0;
    virtual async::Task<Verdict> commit(const Client& client, const Transaction& transaction,
                                        async::Stop& stop) = 0;
};

// The header of a message that arrives, seen once it is complete.
struct ArrivedHeader {
    std::string_view bytes;
    const mail::Header& fields;
    const Transaction& transaction;
};

// The queue as packets of the link `queue_list` (common/ipc/admin.h).
class QueueListing {
  public:
    virtual ~QueueListing() = default;
    // The next packet; empty after the last one. An Answer when there will be no more of them.
    virtual async::Task<std::expected<std::string, Answer>> next(async::Stop& stop) = 0;
};

// What differs between the daemons that speak SMTP's server side. One object serves all sessions
// of a socket. An Answer refuses; nothing means go on.
class Policy {
  public:
    using Refusal = std::optional<Answer>;
    enum class Login { ok, wrong, unavailable };
    struct LoginResult {
        Login login = Login::unavailable;
        std::string user;  // ok: the canonical address
    };

    virtual ~Policy() = default;

    // What is known of a program on this host beside its uid.
    virtual std::string program_user(unsigned uid) const;
    // Without it every message is refused, and better before it is sent.
    virtual bool queue_has_room() const { return true; }
    // The certificate for STARTTLS or implicit TLS; null where TLS is not spoken.
    virtual net::TlsContext* tls() = 0;
    virtual bool offers_auth() const { return false; }
    // Addresses without a domain get this one; null: they are refused.
    virtual const Domain* qualify_with() const { return nullptr; }
    // Of <postmaster>.
    virtual const Domain& own_domain() const = 0;

    virtual async::Task<LoginResult> log_in(const Client& client, std::string user,
                                            std::string password, async::Stop& stop);
    virtual async::Task<Refusal> mail(const Client& client, const MailArguments& mail,
                                      async::Stop& stop) = 0;
    virtual async::Task<Refusal> rcpt(const Client& client, const Mailbox& recipient,
                                      async::Stop& stop) = 0;
    // The fields to put in front of the message, besides Received.
    virtual async::Task<std::expected<std::string, Answer>> header(const Client& client,
                                                                   const ArrivedHeader& header,
                                                                   async::Stop& stop);
    virtual std::unique_ptr<Sink> sink() = 0;
    // XQUEUE, on the socket of local programs.
    virtual std::expected<std::unique_ptr<QueueListing>, Answer> list_queue();
};

}  // namespace veredus::smtp
