#pragma once

#include <string>

#include "common/mail/delivery_status.h"
#include "common/mail/header.h"

namespace veredus::mail {

// The part of a notification that is for people: first what happened, why, and what to do, for
// somebody who knows nothing of mail systems; then what a postmaster wants to know.

// "Your message could not be delivered": of the gravest of what is reported.
std::string_view notice_subject(const DeliveryReport& report);

// Lines of at most 72 columns with CRLF, in UTF-8. `original` is the header of the message that is
// spoken of; `full`: all of it comes along.
std::string notice_text(const DeliveryReport& report, const Header& original, bool full);

}  // namespace veredus::mail
