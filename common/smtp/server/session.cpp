#include "common/smtp/server/session.h"

#include <fmt/format.h>

#include <exception>

#include "common/log/delivery.h"
#include "common/smtp/ascii.h"

namespace veredus::smtp {
namespace {

std::string known_address(const std::optional<Mailbox>& mailbox) {
    return mailbox ? mailbox->text() : std::string();
}

}  // namespace

// In the order of Verb.
const std::array<Session::Row, 13> Session::kHandlers{{
    {Verb::ehlo, &Session::on_hello},
    {Verb::helo, &Session::on_hello},
    {Verb::mail, &Session::on_mail},
    {Verb::rcpt, &Session::on_rcpt},
    {Verb::data, &Session::on_data},
    {Verb::rset, &Session::on_rset},
    {Verb::noop, &Session::on_noop},
    {Verb::quit, &Session::on_quit},
    {Verb::vrfy, &Session::on_vrfy},
    {Verb::help, &Session::on_help},
    {Verb::starttls, &Session::on_starttls},
    {Verb::auth, &Session::on_auth},
    {Verb::xqueue, &Session::on_xqueue},
}};

Session::Session(net::Stream& stream, Policy& policy, const SessionWorld& world, Client client,
                 async::Stop& stop)
    : stream_(stream), policy_(policy), world_(world), client_(std::move(client)), stop_(stop) {}

async::Task<> Session::run(bool implicit_tls) {
    world_.log.info("connect from {}", client_.log_name());
    try {
        co_await converse(implicit_tls);
    } catch (const async::Stopped&) {
        last_words(say(Say::shutting_down, {world_.hostname}), "shut down");
    } catch (const async::TimedOut&) {
        last_words(say(Say::idle_timeout), "timeout");
    } catch (const net::TlsError& error) {
        world_.log.warning("TLS with {} failed: {}", client_.log_name(), error.what());
    } catch (const net::IoError& error) {
        // Who has said QUIT need not wait for the answer.
        if (last_verb_ != "QUIT")
            world_.log.info("lost connection after {} from {} ({})", last_verb_, client_.log_name(),
                            error.what());
    } catch (const std::exception& error) {
        world_.log.error("session of {} ends after {}: {}", client_.log_name(), last_verb_,
                         error.what());
        last_words(say(Say::shutting_down, {world_.hostname}), "internal error");
    }
    log_end();
}

void Session::end() {
    if (receiving_)
        ending_ = true;
    else
        stop_.request();
}

// The peer may be in the midst of something; it gets what the socket takes at once.
void Session::last_words(const Answer& answer, std::string_view why) {
    world_.log.info("{} after {} from {}", why, last_verb_, client_.log_name());
    out_.clear();
    render(answer.reply, out_);
    if (!tls_next_) stream_.farewell(out_);
}

async::Task<> Session::converse(bool implicit_tls) {
    stream_.deadline(world_.idle);
    if (implicit_tls) co_await secure();
    put(say(Say::greeting, {world_.hostname}).reply);
    co_await stream_.flush();
    while (!closing_)
        co_await next_command();
    stream_.deadline(world_.idle);
    co_await stream_.shutdown();
}

async::Task<> Session::next_command() {
    if (++commands_ % kInOneGo == 0) co_await async::give_way(stream_.loop());
    stream_.deadline(world_.idle);
    const auto line = co_await stream_.read_line(kAuthLineMax);
    if (!line) {
        if (last_verb_ != "QUIT")
            world_.log.info("lost connection after {} from {}", last_verb_, client_.log_name());
        closing_ = true;
        co_return;
    }
    stream_.no_deadline();
    group_ends_ = true;
    const Answer answer = co_await answer_to(*line);
    respond(answer, last_verb_);
    if (std::exchange(data_done_, false)) reset();
    // RFC 2920 3.2: the answers to commands that came together go together, up to one that ends a
    // group; and no more of them than a client reads.
    if (!group_ends_ && !closing_ && stream_.has_line() && stream_.unflushed() < kUnreadMax)
        co_return;
    stream_.deadline(world_.idle);
    co_await stream_.flush();
    receiving_ = false;
    if (ending_) throw async::Stopped();
    if (std::exchange(tls_next_, false)) co_await secure();
}

async::Task<> Session::secure() {
    tls_next_ = true;  // no plain words from here on
    co_await stream_.start_tls(*policy_.tls(), net::TlsRole::server);
    tls_next_ = false;
    client_.tls = stream_.tls();
    client_.helo.clear();
    client_.extended = false;
    reset();
}

async::Task<Answer> Session::answer_to(net::Line line) {
    if (line.fault == net::Line::Fault::too_long) {
        last_verb_ = "UNKNOWN";
        if (istarts_with(line.text, "AUTH "))
            co_return say(Say::auth_line_too_long, {std::to_string(kAuthLineMax)});
        co_return say(Say::line_too_long, {std::to_string(kCommandLineMax)});
    }
    if (line.fault != net::Line::Fault::none) co_return say(Say::bare_newline_in_command);
    const ParseContext context{
        .qualify_with = policy_.qualify_with(), .submission_socket = client_.local(), .dsn = true};
    auto command = parse_command(line.text, context);
    if (!command) {
        last_verb_ = "UNKNOWN";
        if (command.error().name == Say::http_here) closing_ = true;
        co_return command.error();
    }
    last_verb_ = command->row->name;
    group_ends_ = command->row->has(last_in_group);
    const auto verb = static_cast<std::size_t>(command->verb());
    ++counts_[verb].tried;
    if (auto refusal = out_of_order(*command->row)) co_return *refusal;
    const Handler handle = kHandlers[verb].handle;
    const Answer answer = co_await (this->*handle)(std::move(*command));
    if (answer.reply.positive()) ++counts_[verb].good;
    co_return answer;
}

std::optional<Answer> Session::out_of_order(const CommandRow& row) const {
    if (row.has(needs_hello) && client_.helo.empty()) return say(Say::hello_first);
    if (row.has(needs_login) && policy_.offers_auth() && client_.user.empty()) {
        if (!may_log_in()) return say(Say::tls_first);
        return say(Say::auth_first);
    }
    if (row.has(not_in_transaction) && transaction_)
        return say(Say::already_in_transaction, {row.name});
    if (row.has(needs_mail) && !transaction_) return say(Say::mail_first, {row.name});
    if (row.has(needs_recipient) && transaction_->recipients.empty())
        return refused_recipients_ > 0 ? say(Say::no_valid_recipients)
                                       : say(Say::rcpt_first, {row.name});
    return std::nullopt;
}

// Passwords travel under TLS only; on this host nobody listens between.
bool Session::may_log_in() const {
    return stream_.secured() || client_.address.loopback();
}

void Session::put(const Reply& reply) {
    out_.clear();
    render(reply, out_, client_.local());
    stream_.put(out_);
}

void Session::respond(const Answer& answer, std::string_view verb) {
    put(answer.reply);
    if (answer.reply.positive()) return;
    log_refusal(answer, verb);
    const bool counts = answer.blame() == Blame::client && !std::exchange(forgiven_, false);
    if (!counts || ++errors_ < kErrorsMax || closing_) return;
    const Answer enough = say(Say::too_many_errors);
    put(enough.reply);
    world_.log.info("too many errors after {} from {}", verb, client_.log_name());
    closing_ = true;
}

void Session::log_refusal(const Answer& answer, std::string_view verb) {
    if (answer.blame() == Blame::us)
        world_.log.warning("{}: {} answered: {}", client_.log_name(), verb, answer.reply.text());
    if (verb != "MAIL" && verb != "RCPT" && verb != "DATA") return;
    const std::string client = client_.log_name();
    const std::string text = answer.reply.text();
    const bool has_id = transaction_ && transaction_->id != mail::QueueId();
    const std::string id = has_id ? transaction_->id.text() : std::string();
    const std::string from =
        transaction_ ? known_address(transaction_->mail.reverse_path.mailbox()) : asked_;
    const std::string to = transaction_ && transaction_->recipients.size() == 1
                               ? transaction_->recipients.front().forward_path
                               : std::string();
    log::log_rejection(world_.log, {.queue_id = verb == "DATA" ? id : std::string_view(),
                                    .command = verb,
                                    .client = client,
                                    .reply = text,
                                    .from = from,
                                    .to = verb == "RCPT" ? std::string_view(asked_) : to,
                                    .protocol = client_.extended ? "ESMTP" : "SMTP",
                                    .helo = client_.helo});
}

void Session::log_end() {
    std::string counts;
    Count all;
    const auto add = [&](std::string name, Count count) {
        if (count.tried == 0) return;
        counts += count.good == count.tried
                      ? fmt::format(" {}={}", name, count.good)
                      : fmt::format(" {}={}/{}", name, count.good, count.tried);
    };
    for (const auto& row : commands()) {
        const Count& count = counts_[static_cast<std::size_t>(row.verb)];
        add(lower(row.name), count);
        all.tried += count.tried;
        all.good += count.good;
    }
    add("commands", all);
    world_.log.info("disconnect from {}{}", client_.log_name(), counts);
}

}  // namespace veredus::smtp
