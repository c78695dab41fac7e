#pragma once

#include "tools/sendmail/flags.h"

// What sendmail does in each mode, in a file of its own. Each returns a code of sysexits.h or
// throws Failure.
namespace veredus::sendmail {

int deliver(const Flags& flags);
int speak_smtp(const Flags& flags);
int verify(const Flags& flags);
int list_queue(const Flags& flags);
int new_aliases(const Flags& flags);
int flush(const Flags& flags);

}  // namespace veredus::sendmail
