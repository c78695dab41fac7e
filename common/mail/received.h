#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/mail/date.h"

namespace veredus::mail {

// How a message came, as RFC 5321 section 4.4 wants it told.
struct ReceivedFacts {
    std::string helo;                // the name the client gave; empty when it gave none
    std::string client_name;         // looked up from its address, or empty
    std::string client_address;      // "192.0.2.1", "2001:db8::1"; empty for a program on this host
    std::optional<unsigned> uid;     // of the program on this host
    std::string host;                // our name
    std::string protocol = "ESMTP";  // from protocol_name()
    std::string id;
    std::string recipient;    // without angle brackets; empty unless the message has one recipient
    std::string tls_version;  // "TLSv1.3", empty without TLS
    std::string tls_cipher;
    DateTime date;
};

// The word of the WITH clause: RFC 3848, and RFC 6531 section 4.3 with `utf8`.
std::string_view protocol_name(bool extended, bool tls, bool authenticated, bool utf8 = false);

// The field with its CRLF, folded. Characters that do not belong there become "?".
std::string received_field(const ReceivedFacts& facts);

// "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3).
std::string address_literal(std::string_view address);

// How often the message was received already; more than a hundred is a loop (RFC 5321 section 6.3).
std::size_t count_received(std::string_view message);

}  // namespace veredus::mail
