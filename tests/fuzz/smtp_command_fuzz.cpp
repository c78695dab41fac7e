// Lines from a client. Each is a command whose values hold what their types promise, or a refusal
// that is one well-formed reply.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "common/smtp/ascii.h"
#include "common/smtp/command.h"

namespace smtp = veredus::smtp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const std::optional<smtp::Mailbox>& mailbox) {
    if (!mailbox) return;
    const std::string text = mailbox->text();
    const auto again = smtp::Mailbox::parse(text);
    require(again && *again == *mailbox);
    require(mailbox->local_part().size() <= smtp::Mailbox::kLocalPartMax);
    require(mailbox->domain().text().size() <= smtp::Domain::kMax + 1);
    std::string_view path = text;
    const auto taken = smtp::take_forward_path(path);
    require(taken && path.empty() && taken->mailbox() == mailbox);
}

struct Check {
    void operator()(const smtp::NoArguments&) const {}
    void operator()(const smtp::TextArguments&) const {}
    void operator()(const smtp::HelloArguments& hello) const { require(!hello.name.empty()); }
    void operator()(const smtp::MailArguments& mail) const {
        check(mail.reverse_path.mailbox());
        require(mail.envelope_id.size() <= 100);
    }
    void operator()(const smtp::RcptArguments& rcpt) const { check(rcpt.forward_path.mailbox()); }
    void operator()(const smtp::AuthArguments& auth) const { require(!auth.mechanism.empty()); }
};

void check_refusal(const smtp::Answer& refusal) {
    require(refusal.reply.permanent());
    require(refusal.blame() == smtp::Blame::client);
    std::string wire;
    smtp::render(refusal.reply, wire);
    require(wire.size() <= 512 && wire.ends_with("\r\n"));
    require(wire.find('\n') == wire.size() - 1);
    for (const char c : std::string_view(wire).substr(0, wire.size() - 2))
        require(smtp::is_printable(c));
    smtp::ReplyParser client;
    require(client.line(std::string_view(wire).substr(0, wire.size() - 2)) ==
            smtp::ReplyParser::State::complete);
    require(client.take().code == refusal.reply.code);
}

void parse(std::string_view line, const smtp::ParseContext& context) {
    const auto command = smtp::parse_command(line, context);
    if (command)
        std::visit(Check(), command->arguments);
    else
        check_refusal(command.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto own = smtp::Domain::parse("host.example.org").value();
    std::string_view lines(reinterpret_cast<const char*>(data), size);
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n'));
        parse(line, {});
        parse(line, {.qualify_with = &own, .submission_socket = true, .dsn = true});
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    }
    return 0;
}
