#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/mail/mime.h"

namespace veredus::mail {

// What FETCH says of a message (RFC 3501 section 7.4.2), ready for the wire. Strings are quoted
// where the grammar allows it; one with CR, LF or 8-bit characters, or longer than 1,000, is a
// literal ("{5}\r\n" and its bytes), so the result may span lines. NULs, which no IMAP string can
// hold, are left out.
std::string envelope(const Message& message);
// BODYSTRUCTURE if `extensible`, otherwise BODY.
std::string body_structure(const Message& message, bool extensible);

enum class SectionKind : std::uint8_t {
    kWhole,   // BODY[] or BODY[1.2]
    kHeader,  // HEADER: of the message, or of a message/rfc822 part
    kText,    // TEXT: of the message, or of a message/rfc822 part
    kMime,    // MIME: the part's own header; not of the whole message
};

// Where a section's bytes stand (RFC 3501 section 6.4.5); nothing if the message has no such
// section. An empty path is the message itself.
std::optional<Range> section(const Part& root, std::span<const unsigned> path, SectionKind kind);

// HEADER.FIELDS, or HEADER.FIELDS.NOT with `others`: the fields as they stand, and the empty line
// (left out only where a message has neither that line nor a body). `path` as for kHeader.
std::optional<std::string> header_fields(const Message& message, std::span<const unsigned> path,
                                         std::span<const std::string> names, bool others);

}  // namespace veredus::mail
