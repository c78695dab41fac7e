// The session's handlers of the commands before DATA.

#include "common/smtp/ascii.h"
#include "common/smtp/server/session.h"

namespace veredus::smtp {

async::Task<Answer> Session::on_hello(Command command) {
    client_.helo = std::get<HelloArguments>(command.arguments).name;
    client_.extended = command.verb() == Verb::ehlo;
    reset();
    if (client_.extended) co_return ehlo_answer();
    co_return say(Say::hello, {world_.hostname});
}

Answer Session::ehlo_answer() const {
    Answer answer = say(Say::hello, {world_.hostname});
    auto& lines = answer.reply.lines;
    lines.emplace_back("PIPELINING");
    lines.push_back("SIZE " + std::to_string(world_.message_size_max));
    if (policy_.tls() != nullptr && !stream_.secured()) lines.emplace_back("STARTTLS");
    if (policy_.offers_auth() && may_log_in()) {
        std::string mechanisms = "AUTH";
        for (const auto name : sasl::server_mechanisms())
            mechanisms.append(" ").append(name);
        lines.push_back(mechanisms);
    }
    lines.emplace_back("ENHANCEDSTATUSCODES");
    lines.emplace_back("8BITMIME");
    lines.emplace_back("DSN");
    return answer;
}

async::Task<Answer> Session::on_mail(Command command) {
    auto& mail = std::get<MailArguments>(command.arguments);
    asked_ = mail.reverse_path.text();
    if (mail.size && *mail.size > world_.message_size_max)
        co_return say(Say::message_too_large_declared, {std::to_string(world_.message_size_max)});
    if (!policy_.queue_has_room()) co_return say(Say::queue_full);
    const auto refusal = co_await policy_.mail(client_, mail, stop_);
    if (refusal) co_return *refusal;
    transaction_.emplace();
    transaction_->mail = std::move(mail);
    refused_recipients_ = 0;
    too_many_ = 0;
    co_return say(Say::sender_ok);
}

async::Task<Answer> Session::on_rcpt(Command command) {
    const auto& rcpt = std::get<RcptArguments>(command.arguments);
    const Mailbox recipient = rcpt.forward_path.resolve(policy_.own_domain());
    asked_ = recipient.text();
    auto& known = transaction_->recipients;
    if (const auto most = recipients_max(); known.size() >= most) {
        // Many a client asks for all before it sends to those that it got (RFC 5321 4.5.3.1.10).
        forgiven_ = ++too_many_ <= most;
        co_return say(Say::too_many_recipients, {std::to_string(most)});
    }
    const auto refusal = co_await policy_.rcpt(client_, recipient, stop_);
    if (refusal) {
        ++refused_recipients_;
        co_return *refusal;
    }
    if (known.empty()) transaction_->id = world_.new_queue_id();
    known.push_back({.forward_path = recipient.text(),
                     .original_recipient = rcpt.original_recipient,
                     .notify = rcpt.notify});
    co_return say(Say::recipient_ok);
}

async::Task<Answer> Session::on_rset(Command) {
    reset();
    co_return say(Say::ok);
}

async::Task<Answer> Session::on_noop(Command) {
    co_return say(Say::ok);
}

async::Task<Answer> Session::on_quit(Command) {
    closing_ = true;
    co_return say(Say::bye, {world_.hostname});
}

async::Task<Answer> Session::on_vrfy(Command command) {
    co_return say(Say::vrfy_maybe, {std::get<TextArguments>(command.arguments).text});
}

// HELP with the name of a command: that one alone.
async::Task<Answer> Session::on_help(Command command) {
    const auto topic = trim(std::get<TextArguments>(command.arguments).text);
    Answer all = say(Say::help, {"The commands:"});
    for (const auto& row : commands()) {
        if (row.has(submission_socket) && !client_.local()) continue;
        if (iequal(row.name, topic)) co_return say(Say::help, {row.syntax});
        all.reply.lines.emplace_back(row.syntax);
    }
    co_return all;
}

async::Task<Answer> Session::on_starttls(Command) {
    if (stream_.secured()) co_return say(Say::tls_already);
    if (policy_.tls() == nullptr) co_return say(Say::tls_not_here);
    tls_next_ = true;
    co_return say(Say::go_ahead_tls);
}

// The queue comes as it is read, packet for packet: what is a million messages long fits nowhere.
async::Task<Answer> Session::on_xqueue(Command) {
    auto listing = policy_.list_queue();
    if (!listing) co_return listing.error();
    put(say(Say::queue_follows).reply);
    for (;;) {
        const auto packet = co_await (*listing)->next(stop_);
        put_framed(packet ? *packet : std::string());
        stream_.deadline(world_.idle);
        co_await stream_.flush();
        if (!packet) co_return packet.error();
        if (packet->empty()) co_return say(Say::ok);
    }
}

// Its length in four bytes, the highest first, and then its bytes.
void Session::put_framed(std::string_view packet) {
    for (const int shift : {24, 16, 8, 0}) {
        const char byte = static_cast<char>(packet.size() >> shift & 0xFFU);
        stream_.put({&byte, 1});
    }
    stream_.put(packet);
}

// --- AUTH (RFC 4954)

async::Task<Answer> Session::on_auth(Command command) {
    auto& auth = std::get<AuthArguments>(command.arguments);
    if (!policy_.offers_auth()) co_return say(Say::auth_not_here);
    if (!client_.user.empty()) co_return say(Say::auth_already);
    if (!may_log_in()) co_return say(Say::auth_needs_tls);
    auto dialogue = sasl::ServerExchange::create(auth.mechanism);
    if (!dialogue) co_return say(Say::auth_unknown_mechanism, {auth.mechanism});
    std::optional<std::string_view> initial;
    if (auth.initial_response) initial = *auth.initial_response;
    sasl::Step first = dialogue->begin(initial);
    const auto step = co_await exchange(*dialogue, std::move(first));
    const std::string_view mechanism = dialogue->mechanism();
    if (const auto* failure = std::get_if<sasl::Failure>(&step)) {
        switch (*failure) {
            case sasl::Failure::cancelled:
                co_return login_failed(say(Say::auth_cancelled), mechanism);
            case sasl::Failure::not_base64:
                co_return login_failed(say(Say::auth_not_base64), mechanism);
            case sasl::Failure::too_long:
                co_return login_failed(say(Say::auth_line_too_long, {std::to_string(kAuthLineMax)}),
                                       mechanism);
            default:
                co_return login_failed(say(Say::auth_malformed, {mechanism}), mechanism);
        }
    }
    const auto& given = std::get<sasl::Credentials>(step);
    // RFC 4616 2: acting as somebody else is not offered.
    const bool as_oneself = given.authorization_identity.empty() ||
                            given.authorization_identity == given.authentication_identity;
    if (!as_oneself) co_return login_failed(say(Say::auth_wrong), mechanism);
    auto result =
        co_await policy_.log_in(client_, given.authentication_identity, given.password, stop_);
    if (result.login == Policy::Login::unavailable)
        co_return login_failed(say(Say::auth_unavailable), mechanism);
    if (result.login == Policy::Login::wrong)
        co_return login_failed(say(Say::auth_wrong), mechanism);
    client_.user = std::move(result.user);
    client_.mechanism = mechanism;
    co_return say(Say::authenticated, {client_.user});
}

// Challenges and answers until the mechanism has what it wants. Throws IoError where the client
// goes away in between.
async::Task<sasl::Step> Session::exchange(sasl::ServerExchange& exchange, sasl::Step step) {
    while (std::holds_alternative<sasl::Challenge>(step)) {
        put(Reply(334, std::nullopt, std::get<sasl::Challenge>(step).line));
        stream_.deadline(world_.idle);
        co_await stream_.flush();
        const auto line = co_await stream_.read_line(kAuthLineMax);
        if (!line) throw net::IoError("closed during authentication");
        stream_.no_deadline();
        if (line->fault == net::Line::Fault::too_long) co_return sasl::Failure::too_long;
        if (line->fault != net::Line::Fault::none) co_return sasl::Failure::malformed;
        step = exchange.answer(line->text);
    }
    co_return step;
}

// The shape that fail2ban's filters read.
Answer Session::login_failed(const Answer& answer, std::string_view mechanism) {
    world_.log.warning("{}: SASL {} authentication failed: {}", client_.log_name(), mechanism,
                       answer.reply.lines.front());
    return answer;
}

}  // namespace veredus::smtp
