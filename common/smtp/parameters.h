#pragma once

#include <optional>
#include <string_view>

#include "common/smtp/command.h"

namespace veredus::smtp {

// What stands after the path of MAIL and RCPT (RFC 5321, 4.1.2: Mail-parameters), put into the
// arguments; else the reply to give.
std::optional<Answer> parse_mail_parameters(std::string_view text, const ParseContext& context,
                                            MailArguments& mail);
std::optional<Answer> parse_rcpt_parameters(std::string_view text, const ParseContext& context,
                                            RcptArguments& rcpt);

}  // namespace veredus::smtp
