#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/async/wait.h"
#include "common/ipc/work.h"
#include "common/log/log.h"
#include "common/net/stream.h"
#include "common/net/tls.h"
#include "common/smtp/reply.h"
#include "daemons/relayd/body.h"
#include "daemons/relayd/reach.h"
#include "daemons/relayd/route.h"
#include "daemons/relayd/verdict.h"

namespace veredus::relayd {

// Connects; throws IoError, TimedOut, Stopped.
using Connect = std::function<async::Task<std::unique_ptr<net::Stream>>(
    net::Address to, async::Duration limit, async::Stop& stop)>;

// One message to some recipients over one session; lives in the frame of who waits for `ended`.
struct Transaction {
    enum class End : std::uint8_t {
        done,     // what has no verdict may be sent to the same host once more
        host,     // the host is of no use now: `trouble` says why; try the next
        stale,    // a connection that was used before had died: try again with a new one
        stopped,  // relayd is ending
    };

    Transaction(async::Loop& loop, Body& message) : body(message), ended(loop) {}

    Body& body;
    std::string reverse_path;
    bool eight_bit_mime = false;  // BODY=8BITMIME came with it
    mail::Ret ret = mail::Ret::kUnsaid;
    std::string envelope_id;  // decoded, or empty
    std::vector<const ipc::work::JobRecipient*> recipients;
    std::string next_hop;           // whose limits these are; 0: none
    std::uint32_t connections = 0;  // at a time
    std::uint32_t messages = 0;     // over one
    bool others_left = false;       // targets to try after this one

    std::vector<std::optional<Verdict>> verdicts;  // of each recipient
    bool dsn = false;                              // the host offers it and was told what was asked
    End end = End::stopped;
    Verdict trouble;
    std::int64_t began_us = 0;  // when the connection stood; 0: it never did
    std::string tls;            // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified"
    async::Event ended;
};

struct SessionContext {
    async::Loop& loop;
    log::Log& log;
    net::TlsContext& tls;
    Connect connect;
    Reach& reach;
    std::string hostname;  // for EHLO
};

// Gives the next transaction for the session, null when none came for a while. Throws Stopped.
using NextTransaction = std::function<async::Task<Transaction*>(async::Stop& stop)>;

// One connection to one host as its client (RFC 5321), from the greeting to QUIT.
class ClientSession {
  public:
    ClientSession(SessionContext context, Target target);
    ~ClientSession();

    // Carries `first` and then what `next` gives; sets each transaction's `ended`. When `stop` is
    // requested it ends at once, but for a message whose final dot is on its way: the answer to
    // that is waited for a little.
    async::Task<> run(Transaction& first, NextTransaction next, async::Stop& stop);

  private:
    // RFC 5321 section 4.1.1.1 and the extensions' own.
    struct Extensions {
        bool pipelining = false;            // RFC 2920
        bool eight_bit_mime = false;        // RFC 6152
        bool starttls = false;              // RFC 3207
        bool dsn = false;                   // RFC 3461
        std::optional<std::uint64_t> size;  // RFC 1870; 0: no limit
        std::string auth;                   // RFC 4954: mechanisms with blanks between
    };

    async::Task<> converse(Transaction& first, NextTransaction& next);
    async::Task<std::optional<Verdict>> open();
    async::Task<std::optional<Verdict>> open_with(bool tls_wanted);
    async::Task<std::optional<Verdict>> hello();
    async::Task<bool> secure();
    async::Task<std::optional<Verdict>> authenticate();
    async::Task<Transaction::End> transact();
    async::Task<bool> sender();
    async::Task<> recipients(bool sender_taken);
    async::Task<bool> start_data();
    async::Task<> data();
    async::Task<> quit();

    async::Task<smtp::Reply> command(std::string line, async::Duration limit);
    async::Task<smtp::Reply> reply(async::Duration limit);
    std::optional<smtp::Reply> parting_words();

    std::optional<Verdict> unsuited() const;
    std::string mail_command() const;
    std::string rcpt_command(const ipc::work::JobRecipient& recipient) const;
    void learn(const std::string& line);
    void judge_accepted(const Verdict& verdict);
    void doubt(const std::string& why);
    void finish(Transaction::End end);
    void fail(const std::string& why);
    void not_reached(Reach::Failure how, const Verdict& why);
    std::string trouble_text(const std::string& why) const;
    void on_stop();
    void leave_critical();
    std::string tls_text() const;

    SessionContext context_;
    Target target_;
    async::Stop stop_;  // this session's own; requested after the outer one, see on_stop()
    async::Stop* outer_ = nullptr;
    async::Timer grace_;
    std::unique_ptr<net::Stream> stream_;
    smtp::ReplyParser parser_;
    Extensions extensions_;

    Transaction* current_ = nullptr;
    std::vector<std::size_t> accepted_;  // of the current transaction's recipients
    const char* stage_ = "";             // "while ..." for people
    bool opened_ = false;                // the host has said that it takes commands
    bool reused_ = false;                // the current transaction is not the first
    bool answered_ = false;              // the host took something of the current transaction
    bool dirty_ = false;                 // the host may be within a transaction: RSET first
    bool tls_failed_ = false;
    bool in_data_ = false;
    bool critical_ = false;  // the final dot is on its way
};

}  // namespace veredus::relayd
