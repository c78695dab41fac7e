#pragma once

#include <optional>
#include <string>

#include "common/mail/date.h"
#include "common/mail/header.h"

namespace veredus::submitd {

// What a message that lacks fields gets (RFC 6409 8). No value: that field is not put in.
struct Completion {
    mail::DateTime date;
    std::string message_id;           // without angle brackets
    std::optional<std::string> from;  // the field's value
};

// The fields of `completion` that `header` has not, each with its CRLF.
std::string missing_fields(const mail::Header& header, const Completion& completion);

// The addresses that the header's From fields name, as "local@domain"; nothing where one of the
// fields is no list of addresses (RFC 5322 3.6.2).
std::optional<std::vector<std::string>> from_addresses(const mail::Header& header);

}  // namespace veredus::submitd
