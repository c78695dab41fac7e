#include "common/mail/delivery_status.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <unicode/unistr.h>
#include <unicode/utf.h>

#include "common/mail/charset.h"
#include "common/mail/delivery_notice.h"
#include "common/mail/digest.h"
#include "common/mail/header.h"
#include "common/mail/quoted_printable.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kWordMax = 300;  // keeps lines below RFC 5322's 998

// RFC 3464 section 2.3.3, in the order of the enumeration.
constexpr std::array<std::string_view, 5> kActions = {"failed", "delayed", "delivered", "relayed",
                                                      "expanded"};

bool is_ascii(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// One line in words short enough for a line: printable ASCII, or with `utf8` more than that.
std::string field_text(std::string_view given, bool utf8 = false) {
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
        const bool wide = static_cast<unsigned char>(c) >= 0x80;
        out += (c > ' ' && c < '\x7F') || (wide && utf8) ? c : '?';
    }
    return std::string(trim(out));
}

// "rfc822; a@b.example", and of an address beyond ASCII "utf-8; jörg@b.example".
std::string typed_address(std::string_view type, std::string_view address, bool global) {
    if (global && equal_ignoring_case(type, "utf-8"))
        return "utf-8; " + field_text(without_unitext(address), true);
    if (is_ascii(address)) return fmt::format("{}; {}", field_text(type), field_text(address));
    return "utf-8; " + field_text(guess_utf8(address), true);
}

// How a part is called and carried (RFC 3464, RFC 6533 section 4).
struct Form {
    std::string_view type;
    std::string_view encoding;  // 7bit, 8bit or quoted-printable
};

class Composer {
  public:
    explicit Composer(const DeliveryReport& report)
        : report_(report), header_(Header::scan(report.original)) {
        // RFC 3461 section 4.3: RET speaks of failures alone.
        full_ = report.ret == ReturnContent::kFull &&
                std::ranges::count(report.recipients, Action::kFailed, &ReportedRecipient::action);
        Range fields = header_.range();
        fields.length -= header_.empty_line().length;
        const std::string_view header = fields.of(report.original);
        returned_ = full_ ? report.original : header;
        form_ = form_of_returned(header);
        global_ = std::ranges::any_of(report.recipients, [](const ReportedRecipient& one) {
            return !is_ascii(one.final_recipient) || !is_ascii(one.original_recipient);
        });
        choose_boundary();
    }

    std::string compose() const {
        std::string out;
        out.reserve(returned_.size() + 16 * 1024);
        put_header(out);
        out += "This is a delivery report in MIME format (RFC 3464).\r\n";

        const std::string text = notice_text(report_, header_, full_);
        put_part(out, "Notification",
                 is_ascii(text) ? Form{"text/plain; charset=us-ascii", "7bit"}
                                : Form{"text/plain; charset=utf-8", "quoted-printable"},
                 text);
        put_part(out, "Delivery report",
                 global_ ? Form{"message/global-delivery-status", "quoted-printable"}
                         : Form{"message/delivery-status", "7bit"},
                 status());
        put_part(out, full_ ? "Your message" : "Header of your message", form_, returned_);
        out += fmt::format("\r\n--{}--\r\n", boundary_);
        return out;
    }

  private:
    // Whether the sender's host knows SMTPUTF8 cannot be known here: RFC 6533 section 4.5 then
    // wants seven bits. RFC 2046 section 5.2.1 lets message/rfc822 have no encoding.
    Form form_of_returned(std::string_view header) const {
        const bool wide = !is_ascii(header) && is_utf8(header);
        if (wide) return {full_ ? "message/global" : "message/global-headers", "quoted-printable"};
        if (is_ascii(returned_)) return {full_ ? "message/rfc822" : "text/rfc822-headers", "7bit"};
        if (full_) return {"message/rfc822", "8bit"};
        return {"text/rfc822-headers", "quoted-printable"};
    }

    // One that does not occur in what is returned.
    void choose_boundary() {
        std::string seed = report_.message_id;
        do {
            boundary_ = "report-" + to_hex(digest_of(seed)).substr(0, 32);
            seed += '.';
        } while (returned_.find(boundary_) != std::string_view::npos);
    }

    void put_header(std::string& out) const {
        out += make_field("Date", date_text(report_.date));
        out += make_field("From",
                          fmt::format("Mail delivery <MAILER-DAEMON@{}>", report_.reporting_mta));
        out += make_field("To", fmt::format("<{}>", report_.reverse_path));
        out += make_field("Subject", notice_subject(report_));
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
        out += make_field("Content-Transfer-Encoding", form_.encoding == "8bit" ? "8bit" : "7bit");
        out += "\r\n";
    }

    void put_part(std::string& out, std::string_view description, Form form,
                  std::string_view content) const {
        out += fmt::format("\r\n--{}\r\n", boundary_);
        out += make_field("Content-Description", description);
        out += make_field("Content-Type", form.type);
        out += make_field("Content-Transfer-Encoding", form.encoding);
        out += "\r\n";
        if (form.encoding == "quoted-printable")
            out += quoted_printable_encode(content);
        else
            out += content;
    }

    // RFC 3464 sections 2.2 and 2.3.
    std::string status() const {
        std::string out;
        if (!report_.envelope_id.empty())
            out += make_field("Original-Envelope-Id", field_text(report_.envelope_id));
        out += make_field("Reporting-MTA", "dns; " + field_text(report_.reporting_mta));
        if (report_.arrival) out += make_field("Arrival-Date", date_text(*report_.arrival));
        for (const ReportedRecipient& recipient : report_.recipients) {
            out += "\r\n";
            put_recipient_fields(out, recipient);
        }
        return out;
    }

    void put_recipient_fields(std::string& out, const ReportedRecipient& recipient) const {
        if (!recipient.original_recipient.empty()) {
            const std::string_view original = recipient.original_recipient;
            const std::size_t semicolon = original.find(';');
            const bool typed = semicolon != std::string_view::npos;
            out += make_field(
                "Original-Recipient",
                typed_address(typed ? original.substr(0, semicolon) : "rfc822",
                              typed ? trim(original.substr(semicolon + 1)) : original, global_));
        }
        out += make_field("Final-Recipient",
                          typed_address("rfc822", recipient.final_recipient, global_));
        out += make_field("Action", kActions[static_cast<std::size_t>(recipient.action)]);
        out += make_field("Status", field_text(recipient.status));
        put_diagnostic(out, recipient);
        if (recipient.last_attempt)
            out += make_field("Last-Attempt-Date", date_text(*recipient.last_attempt));
        if (!report_.queue_id.empty())
            out += make_field("Final-Log-ID", field_text(report_.queue_id));
        if (recipient.action == Action::kDelayed && recipient.will_retry_until)
            out += make_field("Will-Retry-Until", date_text(*recipient.will_retry_until));
    }

    // RFC 3464 sections 2.3.5 and 2.3.6: who reported, and in which code. Words of ours are no code
    // of SMTP's, and say something only where there was trouble.
    void put_diagnostic(std::string& out, const ReportedRecipient& recipient) const {
        const bool trouble =
            recipient.action == Action::kFailed || recipient.action == Action::kDelayed;
        if (recipient.remote_spoke()) {
            out += make_field("Remote-MTA", "dns; " + field_text(recipient.remote_mta));
            const bool wide = global_ && is_utf8(recipient.diagnostic);
            out += make_field("Diagnostic-Code", "smtp; " + field_text(recipient.diagnostic, wide));
        } else if (trouble && !recipient.diagnostic.empty()) {
            out += make_field("Diagnostic-Code", "x-veredus; " + field_text(recipient.diagnostic));
        }
    }

    const DeliveryReport& report_;
    Header header_;
    bool full_ = false;
    bool global_ = false;  // addresses need UTF-8
    std::string_view returned_;
    Form form_;  // of what is returned
    std::string boundary_;
};

// A code point in 2 to 6 hexadecimal digits; nothing for what is none.
std::optional<std::string> utf8_of(std::string_view digits) {
    std::uint32_t code = 0;
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, code, 16);
    if (error != std::errc() || end != last || digits.size() < 2 || digits.size() > 6 ||
        !U_IS_UNICODE_CHAR(code) || code == 0)
        return std::nullopt;
    std::string out;
    return icu::UnicodeString(static_cast<UChar32>(code)).toUTF8String(out);
}

}  // namespace

std::string without_unitext(std::string_view address) {
    std::string out;
    for (std::size_t at = 0; at < address.size(); ++at) {
        if (address[at] != '\\') {
            out += address[at];
            continue;
        }
        const std::size_t close = address.find('}', at);
        if (!address.substr(at).starts_with("\\x{") || close == std::string_view::npos)
            return std::string(address);
        const auto decoded = utf8_of(address.substr(at + 3, close - at - 3));
        if (!decoded) return std::string(address);
        out += *decoded;
        at = close;
    }
    return out;
}

bool is_reply(std::string_view words) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return words.size() >= 3 && std::ranges::all_of(words.substr(0, 3), digit) &&
           (words.size() == 3 || words[3] == ' ' || words[3] == '-');
}

std::string compose_delivery_status(const DeliveryReport& report) {
    return Composer(report).compose();
}

}  // namespace veredus::mail
