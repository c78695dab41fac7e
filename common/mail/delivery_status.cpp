#include "common/mail/delivery_status.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "common/mail/charset.h"
#include "common/mail/digest.h"
#include "common/mail/encoded_word.h"
#include "common/mail/header.h"
#include "common/mail/quoted_printable.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kDiagnosticMax = 4000;
constexpr std::size_t kWordMax = 300;  // keeps lines below RFC 5322's 998
constexpr std::size_t kWrapColumn = 72;

struct ActionWords {
    std::string_view value;    // RFC 3464 section 2.3.3
    std::string_view subject;  // of the report
    std::string_view first;    // sentence for people; {} is "the recipient" or "2 recipients"
    std::string_view second;
};
// In the order of the enumeration, which is also that of their weight.
constexpr std::array<ActionWords, 5> kActions = {{
    {"failed", "Your message could not be delivered", "Your message could not be delivered to {}.",
     "It will not be tried again. If the reason below can be mended, mend it and send the message "
     "once more."},
    {"delayed", "Your message is delayed", "Your message has not been delivered to {} yet.",
     "You need not do anything: delivery will be tried again."},
    {"delivered", "Your message was delivered", "Your message was delivered to {}.", ""},
    {"relayed", "Your message was passed on", "Your message was passed on to the host of {}.",
     "That host does not report what becomes of it."},
    {"expanded", "Your message was forwarded",
     "Your message reached {} and was forwarded from there to several addresses.", ""},
}};

struct StatusWords {
    std::string_view detail;  // a status without its class (RFC 3463 section 3)
    std::string_view sentence;
};
constexpr auto kStatuses = std::to_array<StatusWords>({
    {"1.1", "There is no such address. Please check its spelling."},
    {"1.2", "There is no such domain, or it cannot receive mail. Please check its spelling."},
    {"1.3", "The address is not written correctly."},
    {"1.10", "This domain has declared that it receives no mail."},
    {"2.1", "The recipient's mailbox is switched off."},
    {"2.2", "The recipient's mailbox is full."},
    {"2.3", "The message is larger than the recipient may receive."},
    {"3.4", "The message is larger than the recipient's host takes."},
    {"4.1", "The recipient's host does not answer."},
    {"4.2", "The connection to the recipient's host broke off."},
    {"4.3", "The directory that should say where the mail goes did not answer."},
    {"4.4", "No way to the recipient's host could be found."},
    {"4.6", "The message went round in a circle."},
    {"4.7", "The time for its delivery ran out."},
    {"6.3", "The recipient's host cannot take the message in this form."},
    {"7.1", "The recipient's host refuses this message by its own rules."},
});

const ActionWords& words_of(Action action) {
    return kActions[static_cast<std::size_t>(action)];
}

bool is_ascii(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// One line of printable ASCII in words short enough for a line.
std::string field_text(std::string_view given) {
    std::string out;
    std::size_t word = 0;
    for (const char c : given.substr(0, kDiagnosticMax)) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (blank) {
            if (!out.ends_with(' ')) out += ' ';
            word = 0;
            continue;
        }
        if (++word > kWordMax) {
            out += ' ';
            word = 1;
        }
        out += c > ' ' && c < '\x7F' ? c : '?';
    }
    return std::string(trim(out));
}

// "rfc822; a@b.example", or RFC 6533's seven-bit form where the address is not ASCII.
std::string typed_address(std::string_view type, std::string_view address) {
    if (is_ascii(address)) return fmt::format("{}; {}", field_text(type), field_text(address));
    const std::string utf8 = guess_utf8(address);
    std::string out = "utf-8; ";
    for (std::size_t at = 0; at < utf8.size();) {
        const auto byte = static_cast<unsigned char>(utf8[at]);
        std::size_t length = 1;
        std::uint32_t code = byte;
        if (byte >= 0xC0) {
            length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
            code = byte & (0x7FU >> length);
            for (std::size_t i = 1; i < length; ++i)
                code = code << 6 | (static_cast<unsigned char>(utf8[at + i]) & 0x3F);
        }
        const bool plain = code > ' ' && code < 0x7F && code != '\\' && code != '+' && code != '=';
        if (plain)
            out += static_cast<char>(code);
        else
            out += fmt::format("\\x{{{:02X}}}", code);
        at += length;
    }
    return out;
}

// The first word of `text`, or as much of it as a line can bear.
std::size_t word_length(std::string_view text) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    if (end <= kWordMax) return end;
    std::size_t cut = kWordMax;
    while (cut > kWordMax - 4 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
        --cut;
    return cut;
}

// Adds `text` in lines of kWrapColumn, each behind `indent`.
void wrap(std::string& out, std::string_view indent, std::string_view text) {
    std::size_t column = 0;
    while (!(text = trim(text)).empty()) {
        const std::size_t length = word_length(text);
        if (column > 0 && column + 1 + length > kWrapColumn) {
            out += "\r\n";
            column = 0;
        }
        const std::string_view before = column == 0 ? indent : std::string_view(" ");
        out += before;
        for (const char c : text.substr(0, length))
            out += static_cast<unsigned char>(c) < ' ' || c == '\x7F' ? '?' : c;
        column += before.size() + length;
        text.remove_prefix(length);
    }
    out += "\r\n";
}

class Composer {
  public:
    explicit Composer(const DeliveryReport& report)
        : report_(report),
          header_(Header::scan(report.original)),
          action_(
              std::ranges::min_element(report.recipients, {}, &ReportedRecipient::action)->action),
          // RFC 3461 section 4.3: RET speaks of failures alone.
          full_(report.ret == ReturnContent::kFull && action_ == Action::kFailed) {
        returned_ = report.original;
        if (!full_) {
            Range fields = header_.range();
            fields.length -= header_.empty_line().length;
            returned_ = fields.of(report.original);
        }
        choose_boundary();
    }

    std::string compose() const {
        const std::string text = people_text();
        const bool text_ascii = is_ascii(text);
        const bool returned_ascii = is_ascii(returned_);
        std::string out;
        out.reserve(returned_.size() + 16 * 1024);
        put_header(out, returned_ascii);
        out += "This is a delivery report in MIME format (RFC 3464).\r\n";

        next_part(out, text_ascii ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8",
                  text_ascii ? "7bit" : "quoted-printable", "Notification");
        out += text_ascii ? text : quoted_printable_encode(text);

        next_part(out, "message/delivery-status", "7bit", "Delivery report");
        put_status(out);

        next_part(out, full_ ? "message/rfc822" : "text/rfc822-headers",
                  returned_ascii ? "7bit" : "8bit",
                  full_ ? "Your message" : "Header of your message");
        out += returned_;
        out += fmt::format("\r\n--{}--\r\n", boundary_);
        return out;
    }

  private:
    // One that does not occur in what is returned.
    void choose_boundary() {
        std::string seed = report_.message_id;
        do {
            boundary_ = "report-" + to_hex(digest_of(seed)).substr(0, 32);
            seed += '.';
        } while (returned_.find(boundary_) != std::string_view::npos);
    }

    void put_header(std::string& out, bool returned_ascii) const {
        out += make_field("Date", date_text(report_.date));
        out += make_field("From",
                          fmt::format("Mail delivery <MAILER-DAEMON@{}>", report_.reporting_mta));
        out += make_field("To", fmt::format("<{}>", report_.reverse_path));
        out += make_field("Subject", words_of(action_).subject);
        out += make_field("Message-ID", report_.message_id);
        const std::string original_id = header_.value("Message-ID");
        const bool usable = original_id.starts_with('<') && original_id.ends_with('>') &&
                            original_id.find_first_of(" \t") == std::string::npos &&
                            original_id.size() < kWordMax && is_ascii(original_id);
        if (usable) {
            out += make_field("In-Reply-To", original_id);
            out += make_field("References", original_id);
        }
        // RFC 3834 section 5.
        out += make_field("Auto-Submitted", "auto-replied");
        out += make_field("MIME-Version", "1.0");
        out +=
            make_field("Content-Type", fmt::format("multipart/report; report-type=delivery-status; "
                                                   "boundary=\"{}\"",
                                                   boundary_));
        // RFC 2045 section 6.4: a multipart is what the widest of its parts is.
        out += make_field("Content-Transfer-Encoding", returned_ascii ? "7bit" : "8bit");
        out += "\r\n";
    }

    void next_part(std::string& out, std::string_view type, std::string_view encoding,
                   std::string_view description) const {
        out += fmt::format("\r\n--{}\r\n", boundary_);
        out += make_field("Content-Description", description);
        out += make_field("Content-Type", type);
        out += make_field("Content-Transfer-Encoding", encoding);
        out += "\r\n";
    }

    std::string people_text() const {
        std::string out;
        for (std::size_t i = 0; i < kActions.size(); ++i)
            put_group(out, static_cast<Action>(i));
        const std::string subject = decode_words(header_.value("Subject"));
        if (!subject.empty()) wrap(out, "  ", "Subject of your message: " + subject);
        if (report_.arrival) wrap(out, "  ", "Received here: " + date_text(*report_.arrival));
        if (!report_.queue_id.empty())
            wrap(out, "  ",
                 fmt::format("Known at {} as: {}", report_.reporting_mta, report_.queue_id));
        out += "\r\n";
        wrap(out, "",
             fmt::format("The details for a postmaster and {} are attached.",
                         full_ ? "your message" : "the header of your message"));
        return out;
    }

    void put_group(std::string& out, Action action) const {
        const auto count =
            std::ranges::count(report_.recipients, action, &ReportedRecipient::action);
        if (count == 0) return;
        const ActionWords& words = words_of(action);
        const std::string whom =
            count == 1 ? "the recipient below" : fmt::format("the {} recipients below", count);
        wrap(out, "",
             fmt::format(fmt::runtime(words.first), whom) + " " + std::string(words.second));
        out += "\r\n";
        for (const ReportedRecipient& recipient : report_.recipients)
            if (recipient.action == action) put_recipient(out, recipient);
    }

    static void put_recipient(std::string& out, const ReportedRecipient& recipient) {
        wrap(out, "  ", guess_utf8(recipient.final_recipient));
        const bool trouble =
            recipient.action == Action::kFailed || recipient.action == Action::kDelayed;
        if (trouble)
            for (const StatusWords& words : kStatuses)
                if (recipient.status.size() > 2 && recipient.status.substr(2) == words.detail)
                    wrap(out, "    ", words.sentence);
        if (!recipient.diagnostic.empty()) {
            std::string who = "Reason: ";
            if (!recipient.remote_mta.empty()) {
                who = recipient.remote_mta;
                if (!recipient.remote_address.empty())
                    who += fmt::format(" [{}]", recipient.remote_address);
                who += " answered: ";
            }
            wrap(out, "    ", who + guess_utf8(recipient.diagnostic.substr(0, kDiagnosticMax)));
        }
        if (recipient.action == Action::kDelayed && recipient.will_retry_until)
            wrap(out, "    ",
                 "It will be tried until " + date_text(*recipient.will_retry_until) + ".");
        out += "\r\n";
    }

    // RFC 3464 sections 2.2 and 2.3.
    void put_status(std::string& out) const {
        if (!report_.envelope_id.empty())
            out += make_field("Original-Envelope-Id", field_text(report_.envelope_id));
        out += make_field("Reporting-MTA", "dns; " + field_text(report_.reporting_mta));
        if (report_.arrival) out += make_field("Arrival-Date", date_text(*report_.arrival));
        for (const ReportedRecipient& recipient : report_.recipients) {
            out += "\r\n";
            put_recipient_fields(out, recipient);
        }
    }

    void put_recipient_fields(std::string& out, const ReportedRecipient& recipient) const {
        if (!recipient.original_recipient.empty()) {
            const std::string_view original = recipient.original_recipient;
            const std::size_t semicolon = original.find(';');
            if (semicolon == std::string_view::npos)
                out += make_field("Original-Recipient", typed_address("rfc822", original));
            else
                out += make_field("Original-Recipient",
                                  typed_address(original.substr(0, semicolon),
                                                trim(original.substr(semicolon + 1))));
        }
        out += make_field("Final-Recipient", typed_address("rfc822", recipient.final_recipient));
        out += make_field("Action", words_of(recipient.action).value);
        out += make_field("Status", field_text(recipient.status));
        if (!recipient.remote_mta.empty())
            out += make_field("Remote-MTA", "dns; " + field_text(recipient.remote_mta));
        // RFC 3464 section 2.3.6: the code that the transport gave. Ours are no SMTP replies.
        if (!recipient.diagnostic.empty())
            out += make_field("Diagnostic-Code",
                              (recipient.remote_mta.empty() ? "x-veredus; " : "smtp; ") +
                                  field_text(recipient.diagnostic));
        if (recipient.last_attempt)
            out += make_field("Last-Attempt-Date", date_text(*recipient.last_attempt));
        if (!report_.queue_id.empty())
            out += make_field("Final-Log-ID", field_text(report_.queue_id));
        if (recipient.action == Action::kDelayed && recipient.will_retry_until)
            out += make_field("Will-Retry-Until", date_text(*recipient.will_retry_until));
    }

    const DeliveryReport& report_;
    Header header_;
    Action action_;  // the gravest
    bool full_;
    std::string_view returned_;  // the original, or its header's fields
    std::string boundary_;
};

}  // namespace

std::string compose_delivery_status(const DeliveryReport& report) {
    return Composer(report).compose();
}

}  // namespace veredus::mail
