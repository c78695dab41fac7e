#include "daemons/relayd/client_session.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "common/async/time.h"
#include "common/sasl/client.h"
#include "common/smtp/ascii.h"
#include "common/smtp/data_writer.h"
#include "common/smtp/parameters.h"

namespace veredus::relayd {
namespace {

using async::Duration;
using async::Task;
using smtp::Reply;
using namespace std::chrono_literals;

// RFC 5321 section 4.5.3.2; the others are ours.
constexpr Duration kConnect = 30s;
constexpr Duration kConnectBeforeOthers = 10s;  // where another host is left to try
constexpr Duration kGreeting = 5min;
constexpr Duration kHello = 5min;
constexpr Duration kTls = 1min;
constexpr Duration kMail = 5min;
constexpr Duration kRcpt = 5min;
constexpr Duration kDataStart = 2min;
constexpr Duration kDataBlock = 3min;
constexpr Duration kDataEnd = 10min;
constexpr Duration kQuit = 2s;
// How long a stop waits for the answer to a final dot.
constexpr Duration kGrace = 10s;

constexpr std::string_view kData = "DATA\r\n";
constexpr int kAuthenticated = 235;
constexpr int kChallenge = 334;
constexpr int kStartInput = 354;
constexpr int kClosing = 421;

bool is_ok(const Reply& reply) {
    return reply.code / 100 == 2;
}

Verdict verdict_of(const Reply& reply) {
    const std::string status = reply.status_text();
    if (is_ok(reply)) return {Result::delivered, status, reply.text()};
    if (reply.permanent()) return failed(status, reply.text());
    if (reply.temporary()) return deferred(status, reply.text());
    return deferred("4.5.0", "nonsense: " + reply.text());
}

// RFC 5321 section 4.5.3.1.10: no room for this recipient beside the others. With another status
// (5.2.2: his mailbox is full) it speaks of him alone.
bool is_full(const Reply& reply) {
    return (reply.code == 452 || reply.code == 552) &&
           (!reply.status || (reply.status->subject == 5 && reply.status->detail == 3));
}

}  // namespace

ClientSession::ClientSession(SessionContext context, Target target)
    : context_(std::move(context)), target_(std::move(target)), grace_(context_.loop) {}

ClientSession::~ClientSession() = default;

Task<> ClientSession::run(Transaction& first, NextTransaction next, async::Stop& stop) {
    outer_ = &stop;
    const async::Stop::Hook hook(stop, [this] { on_stop(); });
    try {
        co_await converse(first, next);
    } catch (const async::Stopped&) {
        if (critical_) doubt("stopped");
        finish(Transaction::End::stopped);
    } catch (const async::TimedOut&) {
        fail("timed out");
    } catch (const net::IoError& error) {
        fail(error.what());
    } catch (const net::TlsError& error) {
        fail(error.what());
    } catch (const std::runtime_error& error) {
        fail(error.what());  // our own file
    }
}

Task<> ClientSession::converse(Transaction& first, NextTransaction& next) {
    current_ = &first;
    if (auto trouble = co_await open()) {
        not_reached(Reach::Failure::kRefused, *trouble);
        first.trouble = std::move(*trouble);
        finish(Transaction::End::host);
    } else {
        opened_ = true;
        context_.reach.reached(target_.address);
    }
    while (current_ != nullptr) {
        const Transaction::End end = co_await transact();
        finish(end);
        if (end != Transaction::End::done) break;
        current_ = co_await next(stop_);
        reused_ = true;
    }
    co_await quit();
}

// --- The connection

Task<std::optional<Verdict>> ClientSession::open() {
    auto trouble = co_await open_with(true);
    if (!tls_failed_) co_return trouble;
    // RFC 7435: encryption if it works. The handshake has spoilt the connection, so a new one.
    co_return co_await open_with(false);
}

Task<std::optional<Verdict>> ClientSession::open_with(bool tls_wanted) {
    stage_ = "connecting";
    {
        const Reach::Attempt attempt(context_.reach, target_.address, context_.loop.clock().now());
        const auto limit = current_->others_left ? kConnectBeforeOthers : kConnect;
        stream_ = co_await context_.connect(target_.address, limit, stop_);
    }
    stage_ = "receiving the initial server greeting";
    const Reply greeting = co_await reply(kGreeting);
    if (!is_ok(greeting)) co_return verdict_of(greeting);
    auto trouble = co_await hello();
    if (!trouble && tls_wanted && extensions_.starttls) {
        const bool secured = co_await secure();
        if (tls_failed_) co_return std::nullopt;
        if (secured) trouble = co_await hello();
    }
    if (!trouble && !target_.user.empty()) trouble = co_await authenticate();
    co_return trouble;
}

Task<std::optional<Verdict>> ClientSession::hello() {
    stage_ = "performing the EHLO handshake";
    extensions_ = {};
    const Reply ehlo = co_await command("EHLO " + context_.hostname, kHello);
    if (ehlo.permanent()) {
        stage_ = "performing the HELO handshake";
        const Reply helo = co_await command("HELO " + context_.hostname, kHello);
        if (is_ok(helo)) co_return std::nullopt;
        co_return verdict_of(helo);
    }
    if (!is_ok(ehlo)) co_return verdict_of(ehlo);
    for (std::size_t i = 1; i < ehlo.lines.size(); ++i)
        learn(smtp::lower(ehlo.lines[i]));
    co_return std::nullopt;
}

// One line of the answer to EHLO (RFC 5321 section 4.1.1.1), in lower case.
void ClientSession::learn(const std::string& line) {
    const std::string_view all = line;
    const std::size_t end = std::min(all.find_first_of(" ="), all.size());
    const std::string_view keyword = all.substr(0, end);
    const std::string_view rest = smtp::trim(all.substr(std::min(end + 1, all.size())));
    if (keyword == "pipelining") extensions_.pipelining = true;
    if (keyword == "8bitmime") extensions_.eight_bit_mime = true;
    if (keyword == "starttls") extensions_.starttls = true;
    if (keyword == "dsn") extensions_.dsn = true;
    if (keyword == "size") {
        std::uint64_t size = 0;
        std::from_chars(rest.data(), rest.data() + rest.size(), size);
        extensions_.size = size;
    }
    // Some say it twice, once as "AUTH=": RFC 4954 has one line.
    if (keyword == "auth")
        extensions_.auth.append(extensions_.auth.empty() ? "" : " ").append(rest);
}

// True once TLS stands; false where the host took back its offer, or with tls_failed_.
Task<bool> ClientSession::secure() {
    stage_ = "starting TLS";
    const Reply go_ahead = co_await command("STARTTLS", kHello);
    if (go_ahead.code != 220) co_return false;
    std::string problem;
    try {
        stream_->deadline(kTls);
        co_await stream_->start_tls(context_.tls, net::TlsRole::client, target_.host);
    } catch (const net::TlsError& error) {
        problem = error.what();
    } catch (const net::IoError& error) {
        problem = error.what();
    } catch (const async::TimedOut&) {
        problem = "timed out";
    }
    if (problem.empty()) co_return true;
    context_.log.warning("TLS with {} failed: {}; going on without", target_.remote(), problem);
    tls_failed_ = true;
    stream_.reset();
    co_return false;
}

// RFC 4954, RFC 4616. A password goes over TLS or stays on this host.
Task<std::optional<Verdict>> ClientSession::authenticate() {
    stage_ = "authenticating";
    if (!stream_->secured() && !target_.address.loopback())
        co_return deferred("4.7.11", fmt::format("{} offers no TLS, and without it the password is "
                                                 "not sent",
                                                 target_.remote()));
    auto exchange = sasl::ClientExchange::choose(
        extensions_.auth, sasl::Credentials({}, target_.user, target_.password));
    if (!exchange)
        co_return deferred("4.7.0",
                           fmt::format("{} offers no way to log in that is known here: AUTH \"{}\"",
                                       target_.remote(), extensions_.auth));
    std::string line = fmt::format("AUTH {}", exchange->mechanism());
    if (const auto initial = exchange->initial_response()) line += " " + *initial;
    for (;;) {
        const Reply answer = co_await command(std::move(line), kHello);
        if (answer.code == kAuthenticated) co_return std::nullopt;
        const bool asked = answer.code == kChallenge;
        const auto response = asked ? exchange->answer(answer.lines.front()) : std::nullopt;
        if (response) {
            line = *response;
            continue;
        }
        if (asked) co_await command("*", kHello);  // it asks for more than there is
        // Not the message's fault: it waits until somebody has mended the password.
        co_return deferred(
            "4.7.8", fmt::format("{} refuses our login: {}", target_.remote(), answer.text()));
    }
}

Task<> ClientSession::quit() {
    if (!stream_) co_return;
    stage_ = "sending QUIT";
    co_await command("QUIT", kQuit);
}

// --- A transaction

Task<Transaction::End> ClientSession::transact() {
    Transaction& t = *current_;
    t.verdicts.assign(t.recipients.size(), std::nullopt);
    t.began_us = context_.loop.clock().wall_us();
    t.tls = tls_text();
    t.dsn = extensions_.dsn;
    accepted_.clear();
    answered_ = false;
    if (const auto problem = unsuited()) {
        std::ranges::fill(t.verdicts, problem);
        co_return Transaction::End::done;
    }
    if (std::exchange(dirty_, false)) {
        stage_ = "sending RSET";
        co_await command("RSET", kMail);
    }
    const bool sender_taken = co_await sender();
    const bool pipelined = extensions_.pipelining;
    if (sender_taken || pipelined) co_await recipients(sender_taken);
    if (!accepted_.empty() || pipelined) {
        const bool go_ahead = co_await start_data();
        if (go_ahead) co_await data();
    }
    co_return t.trouble.reply.empty() ? Transaction::End::done : Transaction::End::host;
}

// What this host cannot be given at all.
std::optional<Verdict> ClientSession::unsuited() const {
    const Transaction& t = *current_;
    // RFC 1870 section 6.1.
    if (extensions_.size.value_or(0) != 0 && t.body.size() > *extensions_.size)
        return failed("5.3.4", fmt::format("message size {} exceeds the limit {} of {}",
                                           t.body.size(), *extensions_.size, target_.remote()));
    // RFC 6152 section 3. What only claims to be 8-bit goes anywhere.
    if (t.eight_bit_mime && t.body.has_8bit() && !extensions_.eight_bit_mime)
        return failed("5.6.3", fmt::format("{} takes no 8-bit message", target_.remote()));
    return std::nullopt;
}

std::string ClientSession::mail_command() const {
    const Transaction& t = *current_;
    std::string line = fmt::format("MAIL FROM:<{}>", t.reverse_path);
    if (extensions_.size) line += fmt::format(" SIZE={}", t.body.size());
    if (extensions_.eight_bit_mime && t.body.has_8bit()) line += " BODY=8BITMIME";
    if (t.dsn) line += smtp::dsn_mail_parameters(t.ret, t.envelope_id);
    return line + "\r\n";
}

// RFC 3461 section 5.2.1: what was asked goes on as it came. Where nobody said ORCPT it is the
// address that the message came here for, so that a host further on can still name it.
std::string ClientSession::rcpt_command(const ipc::work::JobRecipient& recipient) const {
    std::string line = fmt::format("RCPT TO:<{}>", recipient.forward_path);
    if (current_->dsn)
        line += smtp::dsn_rcpt_parameters(recipient.notify, recipient.original_recipient.empty()
                                                                ? "rfc822;" + recipient.forward_path
                                                                : recipient.original_recipient);
    return line + "\r\n";
}

// MAIL; with PIPELINING (RFC 2920) RCPT and DATA go along. True if the sender is taken.
Task<bool> ClientSession::sender() {
    Transaction& t = *current_;
    stage_ = "sending MAIL FROM";
    dirty_ = true;
    stream_->put(mail_command());
    if (extensions_.pipelining) {
        for (const auto* recipient : t.recipients)
            stream_->put(rcpt_command(*recipient));
        stream_->put(kData);
    }
    stream_->deadline(kMail);
    co_await stream_->flush();
    const Reply mail = co_await reply(kMail);
    answered_ = true;
    if (mail.permanent()) std::ranges::fill(t.verdicts, verdict_of(mail));
    // A host in trouble: another may do better.
    if (!is_ok(mail) && !mail.permanent()) t.trouble = verdict_of(mail);
    co_return is_ok(mail);
}

// Each RCPT, with a verdict or a place in accepted_. Without a sender its reply says nothing.
Task<> ClientSession::recipients(bool sender_taken) {
    Transaction& t = *current_;
    for (std::size_t i = 0; i < t.recipients.size(); ++i) {
        stage_ = "sending RCPT TO";
        if (!extensions_.pipelining) {
            stream_->put(rcpt_command(*t.recipients[i]));
            stream_->deadline(kRcpt);
            co_await stream_->flush();
        }
        const Reply rcpt = co_await reply(kRcpt);
        if (!sender_taken) continue;
        if (is_ok(rcpt)) {
            accepted_.push_back(i);
        } else if (!is_full(rcpt)) {
            t.verdicts[i] = verdict_of(rcpt);
        } else if (accepted_.empty()) {
            t.verdicts[i] =
                deferred(rcpt.permanent() ? "4.5.3" : verdict_of(rcpt).status, rcpt.text());
        }  // else: next time, in a transaction of its own
    }
}

// DATA. True if the message is to follow, for those in accepted_.
Task<bool> ClientSession::start_data() {
    stage_ = "sending DATA";
    if (!extensions_.pipelining) {
        stream_->put(kData);
        stream_->deadline(kDataStart);
        co_await stream_->flush();
    }
    const Reply start = co_await reply(kDataStart);
    if (start.code != kStartInput) {
        Verdict verdict = verdict_of(start);
        if (verdict.result == Result::delivered)
            verdict = deferred("4.5.0", "nonsense in answer to DATA: " + start.text());
        judge_accepted(verdict);
        co_return false;
    }
    if (!accepted_.empty()) co_return true;
    // RFC 2920 section 3.1: nobody takes the message, yet the host waits for it.
    co_await command(".", kDataEnd);
    co_return false;
}

Task<> ClientSession::data() {
    Transaction& t = *current_;
    stage_ = "sending the message";
    in_data_ = true;
    smtp::DataWriter writer;
    std::string wire;
    for (std::uint64_t offset = 0; offset < t.body.size();) {
        if (!wire.empty()) {
            stream_->put(wire);
            stream_->deadline(kDataBlock);
            co_await stream_->flush();
            wire.clear();
        }
        const std::string block = co_await t.body.read(offset);
        offset += block.size();
        writer.write(block, wire);
    }
    // The final dot goes with the last block: a packet less for each message.
    writer.end(wire);
    stage_ = "sending the end of the message";
    critical_ = true;
    stream_->put(wire);
    stream_->deadline(kDataBlock);
    co_await stream_->flush();
    const Reply done = co_await reply(kDataEnd);
    leave_critical();
    in_data_ = false;
    dirty_ = false;
    judge_accepted(verdict_of(done));
}

// --- Replies and endings

Task<Reply> ClientSession::command(std::string line, Duration limit) {
    stream_->deadline(limit);
    stream_->put(line + "\r\n");
    co_await stream_->flush();
    co_return co_await reply(limit);
}

Task<Reply> ClientSession::reply(Duration limit) {
    stream_->deadline(limit);
    auto state = smtp::ReplyParser::State::more;
    while (state == smtp::ReplyParser::State::more) {
        const auto line = co_await stream_->read_line(smtp::ReplyParser::kLineMax);
        if (!line) throw net::IoError("it closed the connection");
        state = parser_.line(line->text);
    }
    if (state == smtp::ReplyParser::State::malformed)
        throw net::IoError("what it says is no reply of SMTP");
    Reply reply = parser_.take();
    // RFC 5321 section 3.8: whatever was asked, the host is going.
    if (reply.code == kClosing) {
        if (current_ != nullptr) current_->trouble = verdict_of(reply);
        leave_critical();
        throw net::IoError(reply.text());
    }
    co_return reply;
}

// A host that breaks off in the middle of a message may have said why.
std::optional<Reply> ClientSession::parting_words() {
    for (;;) {
        const std::string_view bytes = stream_->buffered();
        const std::size_t newline = bytes.find('\n');
        if (newline == std::string_view::npos) return std::nullopt;
        const bool crlf = newline > 0 && bytes[newline - 1] == '\r';
        const auto state = parser_.line(bytes.substr(0, crlf ? newline - 1 : newline));
        stream_->consume(newline + 1);
        if (state == smtp::ReplyParser::State::complete) return parser_.take();
        if (state == smtp::ReplyParser::State::malformed) return std::nullopt;
    }
}

void ClientSession::judge_accepted(const Verdict& verdict) {
    for (const std::size_t i : accepted_)
        current_->verdicts[i] = verdict;
}

// The connection broke after the final dot: the message may have arrived.
void ClientSession::doubt(const std::string& why) {
    Verdict verdict = deferred("4.4.2", trouble_text(why) + "; it may have arrived");
    verdict.in_doubt = true;
    judge_accepted(verdict);
}

std::string ClientSession::trouble_text(const std::string& why) const {
    if (!stream_) return fmt::format("connect to {}: {}", target_.remote(), why);
    return fmt::format("lost connection with {} while {}: {}", target_.remote(), stage_, why);
}

void ClientSession::finish(Transaction::End end) {
    if (current_ == nullptr) return;
    current_->end = end;
    std::exchange(current_, nullptr)->ended.set();
}

// The connection is over; so is the current transaction, if there is one.
void ClientSession::fail(const std::string& why) {
    if (current_ == nullptr) return;
    Transaction& t = *current_;
    t.verdicts.resize(t.recipients.size());
    if (critical_) {
        doubt(why);
    } else if (in_data_) {
        if (const auto last = parting_words(); last && !last->positive())
            judge_accepted(verdict_of(*last));
    }
    const bool refused = !t.trouble.reply.empty();
    if (!refused) t.trouble = deferred(stream_ ? "4.4.2" : "4.4.1", trouble_text(why));
    if (!opened_)
        not_reached(refused ? Reach::Failure::kRefused : Reach::Failure::kNobody, t.trouble);
    finish(reused_ && !answered_ ? Transaction::End::stale : Transaction::End::host);
}

void ClientSession::not_reached(Reach::Failure how, const Verdict& why) {
    context_.reach.failed(target_.address, how, why, context_.loop.clock().now());
}

void ClientSession::on_stop() {
    if (!critical_) return stop_.request();
    grace_.start(kGrace, [this] { stop_.request(); });
}

void ClientSession::leave_critical() {
    critical_ = false;
    grace_.cancel();
    if (outer_->requested()) stop_.request();
}

std::string ClientSession::tls_text() const {
    if (!stream_->secured()) return {};
    const net::TlsFacts& facts = stream_->tls();
    return fmt::format("{} {} {}", facts.protocol, facts.cipher,
                       facts.verified ? "verified" : "not verified");
}

}  // namespace veredus::relayd
