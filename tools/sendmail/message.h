#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/sendmail/input.h"

namespace veredus::sendmail {

// The largest message that is taken in: it is held in memory. submitd's own limit is lower.
inline constexpr std::size_t kDraftBytesMax = std::size_t{1} << 30;

// A message as a program wrote it, its lines ending in CRLF.
struct Draft {
    std::string header;  // without the empty line
    std::string body;
    bool eight_bit = false;  // there is a byte above 127
};

// Reads all of it, before a word is said to submitd: a job may take hours to write its mail. The
// header ends at the empty line, or before the first line that is no header field; a "From " line
// of an mbox before the first field is dropped. Throws Failure (EX_DATAERR) if it is too large.
Draft read_draft(Input& input);

// For -t, each once: those who are `named` already, and all in To, Cc and Bcc, or where the message
// is resent all in Resent-To, Resent-Cc and Resent-Bcc (RFC 5322 3.6.6).
std::vector<std::string> recipients_in(const Draft& draft, std::vector<std::string> named = {});

// The header as it is sent: Bcc and Resent-Bcc go, and where there is no From field and `from` is
// not empty, one is added.
std::string final_header(const Draft& draft, const std::string& from);

}  // namespace veredus::sendmail
