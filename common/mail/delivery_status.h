#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mail/date.h"

namespace veredus::mail {

// RFC 3464 section 2.3.3.
enum class Action : std::uint8_t { kFailed, kDelayed, kDelivered, kRelayed, kExpanded };

// Whether another host said this: a reply begins with a code (RFC 5321 section 4.2), as no words of
// ours do.
bool is_reply(std::string_view words);

// What is reported of one recipient (RFC 3464 section 2.3). Empty strings are left out.
struct ReportedRecipient {
    std::string final_recipient;     // address without angle brackets
    std::string original_recipient;  // RFC 3461's ORCPT, decoded: "rfc822;a@b.example"
    Action action = Action::kFailed;
    std::string status;          // RFC 3463: "5.1.1"
    std::string remote_mta;      // name of the host, or "[192.0.2.1]"; empty if it was done here
    std::string remote_address;  // its address and port, for people: "192.0.2.1:25"
    bool in_doubt = false;       // a connection broke after all of it was sent: it may have arrived
    std::string diagnostic;      // its reply word for word, or our own reason; may have lines
    std::optional<DateTime> last_attempt;
    std::optional<DateTime> will_retry_until;  // of a delay

    // `diagnostic` is another host's reply.
    bool remote_spoke() const { return !remote_mta.empty() && is_reply(diagnostic); }
};
inline constexpr std::size_t kDiagnosticMax = 4000;  // bytes of it that are told

// RFC 3461 section 4.3.
enum class ReturnContent : std::uint8_t { kFull, kHeaders };

struct DeliveryReport {
    std::string reporting_mta;  // our host name
    std::string message_id;     // of the report, with its angle brackets
    DateTime date;              // of the report
    std::string reverse_path;   // whom to tell; without angle brackets, never empty
    std::string envelope_id;    // RFC 3461's ENVID, decoded, or empty
    std::string queue_id;       // under which the log speaks of the original
    std::optional<DateTime> arrival;
    std::vector<ReportedRecipient> recipients;  // at least one
    ReturnContent ret = ReturnContent::kHeaders;
    // The message as it stands, or no more than its header; 8-bit bytes are kept. Copied whole with
    // kFull, so a caller that minds memory asks for kHeaders.
    std::string_view original;
};

// The report as a message with CRLF lines: multipart/report (RFC 6522) of a text for people, a
// message/delivery-status (RFC 3464) and the original or its header. To be sent from <>. Where
// addresses or header have more than ASCII, RFC 6533's types stand instead, encoded so that hosts
// without SMTPUTF8 pass them on. Only an original with an eight-bit body makes it eight-bit.
std::string compose_delivery_status(const DeliveryReport& report);

// RFC 6533 section 3: "j\x{F6}rg@b.example" as UTF-8. As given where it is not of that syntax.
std::string without_unitext(std::string_view address);

}  // namespace veredus::mail
