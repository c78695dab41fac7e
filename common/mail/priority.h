#pragma once

#include <cstdint>

#include "common/mail/header.h"

namespace veredus::mail {

// RFC 6710 2: from -9 to 9, the higher goes first; 0 where nothing speaks for another.
inline constexpr std::int32_t kPriorityOfNotices = 4;  // a sender wants to know soon
inline constexpr std::int32_t kPriorityOfBulk = -4;

// What waits for letters.
constexpr bool is_bulk(std::int32_t priority) {
    return priority < 0;
}

// A message sent to more people than this is bulk, whatever it says.
inline constexpr std::size_t kFew = 100;

// Mail to lists and mailings says so itself: List-Id (RFC 2919), List-Unsubscribe (RFC 2369),
// Precedence of bulk, list or junk (RFC 3834 3.1.8 knows it from use). Nobody can ask for more than
// others have.
std::int32_t priority_of(const Header& fields);

}  // namespace veredus::mail
