#pragma once

#include <string>

#include "tools/sendmail/flags.h"

namespace veredus::sendmail {

// The reverse-path of what this process sends: -f, or its user's name. submitd adds the domain to a
// name alone.
std::string sender_of(const Flags& flags);

// The text for a From field where a name was given (-F, $NAME); else empty, and submitd makes the
// field. `host` stands for the domain where this host tells of none.
std::string from_of(const Flags& flags, const std::string& host);

}  // namespace veredus::sendmail
