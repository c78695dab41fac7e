#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/command.h"

namespace veredus::smtp {

// What stands after the path of MAIL and RCPT (RFC 5321, 4.1.2: Mail-parameters), put into the
// arguments; else the reply to give.
std::optional<Answer> parse_mail_parameters(std::string_view text, const ParseContext& context,
                                            MailArguments& mail);
std::optional<Answer> parse_rcpt_parameters(std::string_view text, const ParseContext& context,
                                            RcptArguments& rcpt);

// RFC 3461 as a client says it to a host that offers DSN: each with a blank before it, nothing for
// what was not said. ENVID and ORCPT come out in the shortest xtext for what came in.
std::string dsn_mail_parameters(mail::Ret ret, std::string_view envelope_id);
std::string dsn_rcpt_parameters(std::uint8_t notify, std::string_view original_recipient);

}  // namespace veredus::smtp
