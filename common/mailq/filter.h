#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "common/mail/queue_filter.h"

namespace veredus::mailq {

// The one grammar in which people say which messages of the queue they mean, a word an argument:
//
//   6C3R1GR0Q9SZG …      these messages
//   from=ADDRESS         sent by; also from=@DOMAIN, from=TEXT (a part of it), from= (the null
//                        sender, also 'from=<>')
//   to=ADDRESS           a waiting recipient, likewise
//   domain=NAME          a waiting recipient's domain
//   user=NAME            who was logged in
//   older=4h newer=1d    arrived longer ago, or since
//   larger=1MiB smaller=10KiB
//   state=STATE          queued, active, deferred, held, damaged, in-doubt
//   reason=TEXT          in the last reply, or in why it is held
//   attempts=3           tried so often, or more often
//   message-id=ID        with or without its angle brackets
//   all                  every message; stands alone
//
// All words must hold. No word needs quoting in a shell for the grammar's sake.

// `now_us`: what older= and newer= count from. The error is a sentence that names the word, what
// was expected and the nearest known key.
std::expected<mail::QueueFilter, std::string> parse_filter(std::span<const std::string> words,
                                                           std::int64_t now_us);

// Whether somebody who typed this word may have meant a part of a filter, right or wrong.
bool may_be_term(std::string_view word);

}  // namespace veredus::mailq
